/** `02:14:07.120`, UTC. */
export const clock = (atMs: number): string => new Date(atMs).toISOString().slice(11, 23);
