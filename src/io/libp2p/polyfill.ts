/**
 * libp2p 3 calls `Promise.withResolvers` (ES2024), which Node 20 does not have and Node 22 does.
 * Every module that imports libp2p imports this one first: the missing function is needed as soon as
 * the first stream is made, and the order of imports is the only order that is guaranteed.
 */
interface Resolvers {
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (reason?: unknown) => void;
}

const promiseType = Promise as unknown as { withResolvers?: () => Resolvers };

promiseType.withResolvers ??= function withResolvers(): Resolvers {
  let resolve: (value: unknown) => void = () => undefined;
  let reject: (reason?: unknown) => void = () => undefined;
  const promise = new Promise<unknown>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

export {};
