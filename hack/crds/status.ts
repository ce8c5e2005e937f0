import { algorithms } from "../../src/ring/key.ts";
import { choice, instant, listOf, mapBy, object, plain, type Schema, whole } from "./schema.ts";

const condition = object(
  "One aspect of the state, as Kubernetes has them.",
  {
    type: plain("Name of the aspect.", { maxLength: 316 }),
    status: choice("Whether it holds.", ["True", "False", "Unknown"]),
    observedGeneration: whole("The metadata.generation that it is about.", { minimum: 0 }),
    lastTransitionTime: instant("When status changed last."),
    reason: plain("Why, as one word for programs. docs/conditions.md has them all.", { maxLength: 1024, minLength: 1 }),
    message: plain("Why, for people. Never holds key material.", { maxLength: 32_768 }),
  },
  { required: ["type", "status", "lastTransitionTime", "reason", "message"] },
);

const key = object(
  "A key of the ring.",
  {
    kid: plain("Its name in JWK, JWS header and JWKS."),
    algorithm: choice("JWS algorithm.", algorithms),
    state: choice(
      "Prepared: verifiers accept it, it does not sign yet. Active: the one that signs. VerifyOnly: signs no more, and is accepted until its window ends.",
      ["Prepared", "Active", "VerifyOnly"],
    ),
    createdTime: instant("When it was made."),
    publishedTime: instant("When every verifier was known to accept it."),
    activatedTime: instant("When it began to sign."),
    demotedTime: instant("When it ceased to sign."),
    quiescedTime: instant("When nobody was known to sign with it any more."),
    pruneTime: instant("When it leaves the ring."),
  },
  { required: ["kid", "algorithm", "state", "createdTime"] },
);

const step = object(
  "Something that is going to happen.",
  {
    step: plain("What: create, publish, activate, quiesce, prune … docs/conditions.md has them all."),
    kid: plain("The key that it is about."),
    notBefore: instant("It does not happen earlier."),
    waitingFor: plain("What it waits for beside that, for people."),
  },
  { required: ["step"] },
);

const revocation = object(
  "A key that was revoked.",
  {
    kid: plain("Its kid."),
    time: instant("When it was revoked."),
    acknowledged: { type: "boolean", description: "Whether every expected gateway acknowledged a ring without it." },
  },
  { required: ["kid", "time"] },
);

const event = object(
  "Something that happened.",
  {
    time: instant("When."),
    step: plain("What: begin, activate, revoke, prune …"),
    kid: plain("The key that it is about."),
    message: plain("What and why, for people."),
  },
  { required: ["time", "step"] },
);

const trouble = object(
  "What is wrong with one of the three objects.",
  {
    object: choice("Which one: the Secret NAME-ring, the Secret NAME, or the ConfigMap NAME-public.", [
      "ring",
      "signer",
      "public",
    ]),
    // No enum: a newer controller may know more of them than the schema that is installed
    problem: plain(
      "What, for programs. Missing: it is not there, though there is a ring. Unreadable: it is damaged. Foreign: it is somebody else's, or holds a key that the ring does not know.",
    ),
    message: plain("What, for people. Never holds key material."),
  },
  { required: ["object", "problem"] },
);

const gateways = object("The gateways that have to acknowledge.", {
  expected: whole("How many run.", { minimum: 0 }),
  acknowledged: whole("How many of them have the newest ring in memory.", { minimum: 0 }),
  summary: plain("Both numbers, for the column of kubectl: 2/3."),
  waitingFor: listOf(plain("Name of a pod."), "Names of pods that have not acknowledged, ten at most.", {
    maxItems: 10,
  }),
});

const cells = object("Cells of kubectl's table, for people. Programs go by activeKid and nextRotationTime.", {
  active: plain("The kid of the key that signs, cut short."),
  next: plain(
    "How long until the next key is planned to sign, rounded up, as of the last look; or why there is no time: waits, pinned, suspended, on request. Absent while the rotation is not Ready.",
  ),
});

/** `status` of a JwtKeyRotation: a report that can be lost without harm. Nothing in it is key material. */
export const statusSchema: Schema = object(
  "What is. Written by the controller; a report only: the ring itself is in the ring Secret.",
  {
    observedGeneration: whole(
      "The metadata.generation that this is about; -1 before the controller has seen the resource.",
    ),
    conditions: mapBy("type", condition, {
      maxItems: 16,
      description:
        "Ready, Rotating, Suspended and Pinned; Reconciling and Stalled only while they are True. Stalled: a person must act.",
    }),
    activeKid: plain("Kid of the key that signs."),
    keys: mapBy("kid", key, { maxItems: 16, description: "Every key of the ring; the one that signs first." }),
    ringGeneration: whole("Counter of the ring; grows with each change of it and never goes back.", { minimum: 0 }),
    objects: mapBy("object", trouble, {
      maxItems: 3,
      description: "What is wrong with the Secrets and the ConfigMap that are kept for it; empty while nothing is.",
    }),
    lastRotationTime: instant("When the key that signs began to."),
    nextRotationTime: instant(
      "When the next one is planned to begin; absent when rotation is on request only, while it waits for somebody, and while the rotation is not Ready.",
    ),
    columns: cells,
    lastHandledRequestID: plain(
      "The newest spec.rotation.requestID that led to a rotation, or that was there at creation.",
    ),
    waitingFor: plain("What the rotation waits for now, in one line."),
    lease: plain(
      "Namespace and name of the Lease that the controller which reported holds, for those who ask whether it still runs.",
    ),
    gateways,
    plan: listOf(step, "What happens next, in order.", { maxItems: 6 }),
    revocations: listOf(revocation, "Keys that were revoked, the newest first.", { maxItems: 64 }),
    history: listOf(event, "What happened last, the newest first.", { maxItems: 10 }),
  },
  // Before the controller writes, kstatus, Helm and Flux must not take the resource for ready
  { default: { observedGeneration: -1 } },
);
