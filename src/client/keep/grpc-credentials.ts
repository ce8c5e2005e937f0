/** Metadata of a call, by its form. */
export interface GrpcMetadata {
  /** As grpc-js has it. */
  set(name: string, value: string): void;
}

/** What makes call credentials, by its form. */
export interface GrpcCredentialsMaker<Metadata, Credentials> {
  /** As grpc-js has it. */
  createFromMetadataGenerator(
    generator: (options: object, callback: (error: Error | null, metadata?: Metadata) => void) => void,
  ): Credentials;
}

/** What of `@grpc/grpc-js` is needed, by its form: it is not loaded here, and no dependency. */
export interface GrpcLibrary<CallMetadata, CallCredentials> {
  /** As grpc-js has it. */
  readonly Metadata: new () => CallMetadata;
  /** As grpc-js has it. */
  readonly credentials: GrpcCredentialsMaker<CallMetadata, CallCredentials>;
}

/** Asks for the token before each call; a call without one fails with its error. */
export function grpcCredentials<Metadata extends GrpcMetadata, Credentials>(
  token: () => Promise<string>,
  { Metadata, credentials }: GrpcLibrary<Metadata, Credentials>,
): Credentials {
  return credentials.createFromMetadataGenerator((_, callback) => {
    token().then(
      (accessToken) => {
        const metadata = new Metadata();
        metadata.set("authorization", `Bearer ${accessToken}`);
        callback(null, metadata);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error("there is no token")),
    );
  });
}
