import { algorithms, rsaAlgorithms } from "../../src/ring/key.ts";
import { counts, defaults, durations, modulusBits, texts } from "../../src/ring/resource/limits.ts";
import { formatDuration } from "../../src/parse/duration.ts";
import { fits } from "./cel.ts";
import { rotationRules, scheduleRules, specRules, timeZoneRules } from "./rules.ts";
import { choice, duration, flag, mapBy, object, type Schema, setOf, text, textOrEmpty } from "./schema.ts";
import { annotations, reservedPrefix } from "../../src/parse/api-names.ts";

const instantForm = new RegExp(
  "^(" +
    "[0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])|" +
    "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29" +
    ")T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
);

const templateMap = (what: string, values: Schema): Schema => ({
  type: "object",
  description: `${what}, ${counts.templateEntries} at most. One that is taken out here is taken away there; what others put there stays.`,
  maxProperties: counts.templateEntries,
  additionalProperties: values,
  "x-kubernetes-validations": [
    {
      rule: `self.all(key, !key.startsWith("${reservedPrefix}"))`,
      message: `must have a key outside of ${reservedPrefix}`,
    },
    { rule: `self.all(key, ${isLabelKey("key")})`, message: texts.labelKey.must },
  ],
});

/** RE2 has no lookahead: what one holds in the pattern of the parser is a comparison here. */
function isLabelKey(key: string): string {
  const form = texts.labelKey.form.source.replace(/\(\?=.*?\/\)/, "");
  return `${fits(key, new RegExp(form))} && ${key}.indexOf("/") <= 253`;
}

const annotation: Schema = { type: "string", description: "Value of an annotation.", maxLength: 4096 };

const secretTemplate = object(
  "What the ring Secret, the signer Secret and the public ConfigMap look like to other tools.",
  {
    labels: templateMap("Labels of all three objects", text("Value of a label.", texts.labelValue)),
    annotations: templateMap("Annotations of the signer Secret and the public ConfigMap", annotation),
    ringAnnotations: templateMap(
      "Annotations of the ring Secret, which has every private half and gets no others: tools copy a Secret by its annotations",
      annotation,
    ),
  },
);

const rotation = object(
  "When keys are rotated: by an interval or a schedule, and whenever it is requested.",
  {
    interval: duration(
      `Time between two activations, counted from the last one. 0s: only on request. Default ${formatDuration(defaults.intervalMs)}, unless schedule is set.`,
      durations.interval,
    ),
    schedule: text(
      'When to activate the next key, as a CronJob has it: five fields or a macro, such as "0 3 1 * *" or "@monthly". Runs that were missed become one.',
      texts.schedule,
      scheduleRules,
    ),
    timeZone: text(
      `IANA name of the time zone of schedule, such as Europe/Berlin. Default ${defaults.timeZone}.`,
      texts.timeZone,
      timeZoneRules,
    ),
    requestID: textOrEmpty(
      "Any value that was not seen before rotates once, as soon as it is safe; the value that is there at creation counts as seen. " +
        `The annotation ${annotations.rotateRequestedAt} does the same.`,
      texts.requestID,
    ),
  },
  { "x-kubernetes-validations": rotationRules },
);

const propagation = object(
  "When a new key may begin to sign.",
  {
    minimum: duration(
      "Least time between the moment when every verifier is known to accept a key and its first signature: for caches of the JWKS that Keyturn can't reach, such as proxies. " +
        `Also bounds the max-age of the JWKS. Default ${formatDuration(defaults.propagationMs)}.`,
      durations.propagationMinimum,
      { default: formatDuration(defaults.propagationMs) },
    ),
    acknowledgements: choice(
      "Required: a key signs only when every expected gateway has acknowledged that it accepts it. Ignored: time alone decides; for verifiers that never acknowledge. " +
        `Default ${defaults.acknowledgements}.`,
      ["Required", "Ignored"],
      { default: defaults.acknowledgements },
    ),
  },
  { default: {} },
);

const tokens = object(
  "What the tokens have in common. A change of issuer, audiences or a longer maxTTL makes a new key; each key keeps what it was made with.",
  {
    issuer: text("Claim iss of every token.", texts.issuer),
    audiences: setOf(text("One audience.", texts.audience), "Who the tokens are for: values that claim aud may have.", {
      maxItems: counts.audiences,
      "x-kubernetes-validations": [{ rule: "self.size() > 0", message: "must have at least one item" }],
    }),
    maxTTL: duration(
      `Longest life of a token. A shorter one is in force at once, a longer one with the next key. Default ${formatDuration(defaults.maxTTLMs)}.`,
      durations.maxTTL,
      { default: formatDuration(defaults.maxTTLMs) },
    ),
    clockSkew: duration(
      `How far a clock may be from the right time, ahead or behind; two clocks may differ by twice that, and verifiers allow it. Default ${formatDuration(defaults.clockSkewMs)}.`,
      durations.clockSkew,
      { default: formatDuration(defaults.clockSkewMs) },
    ),
  },
  { required: ["issuer", "audiences"] },
);

const revokedKid = object(
  "A key that no verifier may accept any more.",
  {
    kid: text("Its kid. Need not be known: it is refused whenever it turns up.", texts.kid),
    reason: textOrEmpty("Why, for people. Stays in the cluster; verifiers don't get it.", texts.reason),
  },
  { required: ["kid"] },
);

/** `spec` of a JwtKeyRotation: the bounds and the words of src/ring/resource/limits.ts, as the API server can hold them. */
export const specSchema: Schema = object(
  "What is wanted.",
  {
    secretName: text(
      "Name of the Secret with the signing key, which gateways and applications mount; <name>-ring and <name>-public stand beside it. " +
        "Can't be changed. Default: the resource's name.",
      texts.secretName,
    ),
    secretTemplate,
    algorithm: choice(`JWS algorithm of new keys. A change is a rotation. Default ${defaults.algorithm}.`, algorithms, {
      default: defaults.algorithm,
    }),
    rsaModulusBits: {
      type: "integer",
      format: "int32",
      description: `Size of new RSA keys in bits, a multiple of ${modulusBits.multipleOf} from ${modulusBits.least} to ${modulusBits.most}; for RS and PS algorithms only. Default ${defaults.modulusBits}.`,
      "x-kubernetes-validations": [
        {
          rule: `self >= ${modulusBits.least} && self <= ${modulusBits.most} && self % ${modulusBits.multipleOf} == 0`,
          message: `must be a multiple of ${modulusBits.multipleOf} from ${modulusBits.least} to ${modulusBits.most}`,
        },
      ],
    },
    rotation,
    propagation,
    tokens,
    rotationWindow: duration(
      "How long a key that no longer signs is still accepted: at least maxTTL + 2 × clockSkew, so that no valid token is refused. " +
        "Counted from when nobody signs with it any more. Default: maxTTL + 2 × clockSkew + propagation.minimum.",
      durations.rotationWindow,
    ),
    rollbackWindow: duration(
      "How long a key that no longer signs keeps its private half, so that activeKid can bring it back. 0s: no way back. Default and most: rotationWindow.",
      durations.rollbackWindow,
    ),
    activeKid: textOrEmpty(
      "Kid of the key that has to sign (rollback). While it is set, nothing else rotates. Unset: the signer stays, and rotation goes on.",
      texts.kid,
    ),
    revokedKids: mapBy("kid", revokedKid, {
      maxItems: counts.revokedKids,
      description: `Keys that are refused at once and for good, ${counts.revokedKids} at most.`,
    }),
    revokeKeysCreatedBefore: {
      type: "string",
      description:
        "RFC 3339 instant. Revokes every key that was made before it, the next one included; a fresh key signs at once. For when the Secret leaked. A value in the future counts as the moment when it is first seen.",
      maxLength: 35,
      "x-kubernetes-validations": [
        {
          rule: `self == "" || ${fits("self", instantForm)}`,
          message: "must be an instant of RFC 3339 such as 2026-11-21T10:00:00Z",
        },
      ],
    },
    adoption: object("How to treat a key that was there before Keyturn.", {
      maxTTL: duration("Longest life of a token that it signed. Default: tokens.maxTTL.", durations.adoptionMaxTTL),
      algorithm: choice(
        "JWS algorithm of its tokens, for an RSA key that does not say: one in signing.pem, or a JWK without alg. Default: spec.algorithm when that is one of RSA, else RS256.",
        rsaAlgorithms,
      ),
    }),
    suspend: flag("Stops everything but revocation. Default false.", { default: false }),
    deletionPolicy: choice(
      `What becomes of the three objects when this resource is deleted. Retain: they stay. Delete: they go with it. Secrets that were adopted always stay. Default ${defaults.deletionPolicy}.`,
      ["Retain", "Delete"],
      { default: defaults.deletionPolicy },
    ),
  },
  { required: ["tokens"], "x-kubernetes-validations": specRules },
);
