/** What a gateway's service account may do with acknowledgements. */
export const acknowledges = [
  { apiGroups: ["keyturn.dev"], resources: ["keyringacks"], verbs: ["get", "create", "update"] },
];
