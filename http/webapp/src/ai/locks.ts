// Names of what one tab does at a time.

/** Proposals are staged, decided and undone under this one, so that a step is never run twice here. */
export const decisionsLock = 'mana.ai.decisions';
/** Held by the tab that plans due missions. */
export const runnerLock = 'mana.ai.foreground-runner';
