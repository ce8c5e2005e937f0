import type { IdentityStatus, KeptIdentity } from "../identity/kept-identity.ts";
import type { IdentitySpec } from "./agent-spec.ts";

/** One identity of an agent, as its faces see it: loopback, proxy, exec. */
export interface AgentIdentity extends Pick<KeptIdentity, "token" | "refresh" | "refused"> {
  readonly spec: IdentitySpec;
  status(): AgentIdentityStatus;
}

/** How an identity is doing; nothing secret. Instants are Unix milliseconds. */
export interface AgentIdentityStatus extends IdentityStatus {
  readonly name: string;
  /** Where it was asked for: in the file, or at run time. */
  readonly origin: "file" | "registered";
  /** Places that lack the newest token, and why. */
  readonly sinkProblems: readonly SinkProblem[];
}

export interface SinkProblem {
  /** For people. */
  readonly place: string;
  /** For people; nothing secret. */
  readonly message: string;
  /** Until when the token is good that lies there, as far as this process knows; Unix milliseconds, Infinity for one without an end. @default there is none */
  readonly goodUntilMs?: number;
}

/** Every identity of an agent. */
export interface AgentIdentities {
  find(name: string): AgentIdentity | undefined;
  /** By name. */
  all(): readonly AgentIdentity[];
  /**
   * One more, at run time; it is there again after a restart. The same once more changes nothing. Resolves when it is kept, also where there is
   * no token yet.
   *
   * @throws ChangeNeededError `NameTaken`: it stands in the file; `RegistrationRefused`: another one writes to a place of it
   */
  register(spec: IdentitySpec): Promise<AgentIdentity>;
  /**
   * Ends one that was registered, its grant with it, and leaves nothing: no file, no lock, no timer, no metric. False where there is none.
   *
   * @throws ChangeNeededError `InFile`: it stands in the file, and is to be taken out there
   */
  unregister(name: string): Promise<boolean>;
}
