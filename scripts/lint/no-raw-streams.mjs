/**
 * Lint rule against the raw use of libp2p streams. It goes by the type, since a stream may be called
 * anything: libp2p's are the only ones with `onDrain`.
 */
const STREAM_MARK = 'onDrain';

export default {
  meta: {
    type: 'problem',
    schema: [],
    docs: { description: 'libp2p streams are used by the helpers of src/io/libp2p only' },
    messages: {
      onDrain:
        '`onDrain()` works once; its promise is never renewed, and the send buffer then grows ' +
        'without bound. Use the Streams port, which waits for `drain` events.',
      iteration:
        '`for await` over a libp2p stream has no backpressure, and yields nothing on an aborted ' +
        'one. Use the Rpc or Streams port.',
    },
  },
  create(context) {
    // Absent when a file is linted without types; the rule then knows the name of the method only.
    const { getTypeAtLocation } = context.sourceCode.parserServices;
    return {
      [`MemberExpression[property.name="${STREAM_MARK}"]`](node) {
        context.report({ node, messageId: 'onDrain' });
      },
      'ForOfStatement[await=true]'(node) {
        if (getTypeAtLocation?.(node.right).getProperty(STREAM_MARK) !== undefined) {
          context.report({ node: node.right, messageId: 'iteration' });
        }
      },
    };
  },
};
