/**
 * How fast a path delivers, measured over each packet's flight
 * (draft-cheng-iccrg-delivery-rate-estimation). What was sent while there was not enough to send says
 * only how much there was, so such samples are marked.
 */
import { FLAG_APP_LIMITED, type SentPackets } from './sent-packets.js';

export class DeliveryRate {
  readonly #sent: SentPackets;
  #deliveredBytes = 0;
  #deliveredUs = 0;
  #firstSentUs = 0;
  /** Samples are marked until this much was delivered; 0: not limited. */
  #limitedUntilBytes = 0;

  #sampleUs = 0;
  #sampleBytes = 0;
  #priorBytes = -1;
  #isLimited = false;

  constructor(sent: SentPackets) {
    this.#sent = sent;
  }

  /** Bytes acknowledged so far. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** What had been delivered when the newest packet of the sample left; -1 without a sample. */
  get priorBytes(): number {
    return this.#priorBytes;
  }

  get isAppLimited(): boolean {
    return this.#isLimited;
  }

  /** What {@link SentPackets.add} should have as flags just now. */
  get flags(): number {
    return this.#limitedUntilBytes > 0 ? FLAG_APP_LIMITED : 0;
  }

  /** Call behind `SentPackets.add`. */
  onSent(number: number, nowUs: number): void {
    if (this.#sent.inFlightPackets === 1) {
      this.#firstSentUs = nowUs;
      this.#deliveredUs = nowUs;
    }
    this.#sent.stamp(number, this.#deliveredBytes, this.#deliveredUs, this.#firstSentUs);
  }

  /** The sender has no more to send, though the path would take more. */
  onQueueEmpty(): void {
    this.#limitedUntilBytes = Math.max(this.#deliveredBytes + this.#sent.inFlightBytes, 1);
  }

  /** Begins the sample of one acknowledgement. */
  begin(): void {
    this.#priorBytes = -1;
  }

  /**
   * A packet arrived that was in flight; ascending numbers.
   * @param atUs when it arrived, as far as known, in our time: less what the acknowledgement waited
   */
  onDelivered(number: number, atUs: number): void {
    const sent = this.#sent;
    this.#deliveredBytes += sent.bytes(number);
    const nowUs = Math.max(atUs, this.#deliveredUs);
    this.#deliveredUs = nowUs;
    const prior = sent.deliveredBytes(number);
    if (prior < this.#priorBytes) return;
    this.#priorBytes = prior;
    this.#isLimited = (sent.flags(number) & FLAG_APP_LIMITED) !== 0;
    const sendUs = sent.sentUs(number) - sent.firstSentUs(number);
    this.#sampleUs = Math.max(sendUs, nowUs - sent.deliveredUs(number));
    this.#firstSentUs = sent.sentUs(number);
  }

  /**
   * Ends the sample.
   * @param minRttUs over less than that nothing can be measured: the interval was compressed
   * @returns bits per second, or 0 if there is no rate to tell
   */
  end(minRttUs: number): number {
    if (this.#deliveredBytes > this.#limitedUntilBytes) this.#limitedUntilBytes = 0;
    if (this.#priorBytes < 0) return 0;
    this.#sampleBytes = this.#deliveredBytes - this.#priorBytes;
    if (this.#sampleUs < minRttUs || this.#sampleUs <= 0) return 0;
    return (this.#sampleBytes * 8e6) / this.#sampleUs;
  }
}
