/** The demo's output: one line a step, with its time. */

// Wide enough for the longest step, so that the times stand in one column.
const TEXT_COLUMNS = 58;

export async function step<T>(
  text: string,
  work: () => Promise<T>,
  told: (result: T) => string = () => '',
): Promise<T> {
  const start = performance.now();
  const result = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `  ${text.padEnd(TEXT_COLUMNS)} ${seconds.padStart(5)} s   ${told(result)}`.trimEnd(),
  );
  return result;
}
