/** Events in the order of their time, and of their making where times are equal: a binary heap. */
export interface Event {
  readonly atUs: number;
  readonly order: number;
  readonly run: (nowUs: number) => void;
}

export class EventQueue {
  readonly #heap: Event[] = [];
  #order = 0;
  nowUs = 0;

  at(atUs: number, run: (nowUs: number) => void): void {
    const event = { atUs: Math.max(atUs, this.nowUs), order: this.#order++, run };
    let child = this.#heap.length;
    this.#heap.push(event);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(event, this.#heap[parent]!)) break;
      this.#heap[child] = this.#heap[parent]!;
      child = parent;
    }
    this.#heap[child] = event;
  }

  runUntil(endUs: number): void {
    while (this.#heap.length > 0 && this.#heap[0]!.atUs <= endUs) {
      const event = this.#pop();
      this.nowUs = event.atUs;
      event.run(event.atUs);
    }
    this.nowUs = endUs;
  }

  #pop(): Event {
    const heap = this.#heap;
    const first = heap[0]!;
    const moved = heap.pop()!;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, moved)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moved;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order);
}
