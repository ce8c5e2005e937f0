/** What a request through a proxy may take. */
export interface ProxyLimits {
  /** A body of so many bytes at most goes once more after a 401. @default 65536 */
  readonly repeatedBytes: number;
  /** Until the upstream is connected, in milliseconds; more is 504. @default 10000 */
  readonly connectMs: number;
  /** From the end of a request until the upstream's answer begins, in milliseconds; more is 504. @default 600000: longer than most applications wait */
  readonly answerMs: number;
}

export const proxyLimits: ProxyLimits = { repeatedBytes: 65_536, connectMs: 10_000, answerMs: 600_000 };
