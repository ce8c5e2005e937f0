/** What a call came to. @see https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const grpcCodes = {
  OK: 0,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
export type GrpcCode = keyof typeof grpcCodes;

/** How a call ends. */
export interface GrpcStatus {
  readonly code: GrpcCode;
  /** For people. */
  readonly message?: string;
  /** What programs are told beside it, names in lower case. */
  readonly trailers?: Readonly<Record<string, string>>;
}
