// Who is signed in, and whether their master key is here. What is needed to start without the network is kept: who it
// is in localStorage, the keys in the user's database.
//
//   starting ─┬─ signed-out ── signIn ──┬─ no-vault ── initVault ─┬─ open
//             └─ (kept) ────────────────┼─ locked ──── unlock ────┤
//                                       └─────────────────────────┘
// `starting` with an `error`: a first start needs the network; it goes on by itself when there is one.
import { addressOf } from '$lib/api/client';
import { ApiError, asApiError, request } from '$lib/api/request';
import { toBase64 } from '$lib/crypto/bytes';
import { useMasterKeys } from '$lib/crypto/keys';
import {
  formatRecoveryCode,
  newRecoverySecret,
  parseRecoveryCode,
  wrapForRecovery,
  type RecoveryWrap,
} from '$lib/crypto/recovery';
import { closeDatabase, db, deleteDatabase, ManaDb, openDatabase, stored, type KeyRow } from '$lib/store/db';
import { get, readonly, writable, type Readable } from 'svelte/store';
import { exclusively } from './locks';
import { onTabMessage, tellTabs } from './tabs';
import { holdTokens, tokenOwner, type Tokens } from './token';
import {
  createVault,
  fetchMasterKey,
  fetchWithRecoveryCode,
  keepKeys,
  keptKeys,
  putRecoveryWrap,
  setZeroKnowledge,
  vaultStatus,
  type VaultStatus,
} from './vault';

export interface SessionState {
  phase: 'starting' | 'signed-out' | 'no-vault' | 'locked' | 'open';
  userId?: string;
  name?: string;
  zeroKnowledge: boolean;
  hasRecovery: boolean;
  /** The service wants the password again; until then everything works as without the network. */
  expired: boolean;
  /** Why starting does not go on. */
  error?: ApiError;
}

const nobody = { zeroKnowledge: false, hasRecovery: false, expired: false } as const;
const state = writable<SessionState>({ phase: 'starting', ...nobody });
export const session: Readable<SessionState> = readonly(state);

// -- who it is ------------------------------------------------------------------------------------------------------

interface Person {
  userId: string;
  name: string;
}

const personKey = 'mana.person';
// A sign-out that the service has not heard of: the cookie still works.
const logoutKey = 'mana.logout';
// Whose data is being removed: a tab that is closed meanwhile leaves the rest to the next start.
const removingKey = 'mana.removing';

function keptPerson(): Person | undefined {
  try {
    return (JSON.parse(localStorage.getItem(personKey) ?? 'null') as Person | null) ?? undefined;
  } catch {
    return undefined;
  }
}

// Counts entering and leaving: what was begun before must not finish after.
let visit = 0;
const patch = (mine: number, change: Partial<SessionState>): void => {
  if (mine === visit) state.update((s) => ({ ...s, ...change }));
};

function lost(why: 'expired' | 'other-user'): void {
  // Somebody else signed in in another tab: this one follows.
  if (why === 'other-user' && keptPerson()?.userId !== get(state).userId) void startSession();
  else state.update((s) => ({ ...s, expired: true }));
}

// -- entering -------------------------------------------------------------------------------------------------------

function open(mine: number, keys: KeyRow): void {
  if (mine !== visit) return;
  useMasterKeys(keys);
  const { zeroKnowledge, hasRecovery } = keys;
  patch(mine, { phase: 'open', zeroKnowledge, hasRecovery, error: undefined });
}

async function openByService(mine: number): Promise<void> {
  const status = await vaultStatus();
  if (mine !== visit) return;
  const known = {
    zeroKnowledge: status.zeroKnowledge,
    hasRecovery: status.hasRecoveryWrap,
    error: undefined,
  };
  if (!status.initialised) return patch(mine, { phase: 'no-vault', ...known });
  const raw = await fetchMasterKey();
  if (mine !== visit) return;
  if (!raw) return patch(mine, { phase: 'locked', ...known });
  open(mine, await keepKeys(raw, status));
}

// The keys are here: whether they still are the right ones shows when there is a network.
async function checkVault(mine: number, keys: KeyRow): Promise<void> {
  const status = await vaultStatus();
  if (mine !== visit || !status.initialised) return;
  if (status.rotatedAt !== keys.rotatedAt) return openByService(mine);
  const { zeroKnowledge, hasRecoveryWrap: hasRecovery } = status;
  await stored(() => db.keys.update('master', { zeroKnowledge, hasRecovery }));
  patch(mine, { zeroKnowledge, hasRecovery });
}

async function enter(person: Person): Promise<void> {
  const mine = ++visit;
  tokenOwner(person.userId, lost);
  state.set({ phase: 'starting', ...person, ...nobody });
  try {
    await openDatabase(person.userId);
    void globalThis.navigator?.storage?.persist?.();
    const keys = await keptKeys();
    if (mine !== visit) return;
    if (!keys) return await openByService(mine);
    open(mine, keys);
    void checkVault(mine, keys).catch(() => undefined);
  } catch (e) {
    patch(mine, { error: asApiError(e) });
  }
}

function leave(): void {
  visit++;
  tokenOwner(undefined);
  useMasterKeys(undefined);
  closeDatabase();
  state.set({ phase: 'signed-out', ...nobody });
}

async function forgetCookie(): Promise<void> {
  if (localStorage.getItem(logoutKey) === null) return;
  const url = await addressOf('/api/v1/auth/logout');
  await exclusively('mana-refresh', () => request('POST', url, { withCookie: true, timeoutMs: 5_000 }));
  localStorage.removeItem(logoutKey);
}

async function finishRemoving(): Promise<void> {
  const userId = localStorage.getItem(removingKey);
  if (userId === null) return;
  await deleteDatabase(userId);
  localStorage.removeItem(removingKey);
}

/** At the start of the app, and again when the network comes back before that got anywhere. */
export async function startSession(): Promise<void> {
  await finishRemoving().catch(() => undefined);
  const person = keptPerson();
  if (person) return enter(person);
  leave();
  await forgetCookie().catch(() => undefined);
}

onTabMessage((message) => {
  const { userId, phase, expired } = get(state);
  if (message.type === 'session' && message.userId !== userId) void startSession();
  else if (message.type === 'session' && expired) state.update((s) => ({ ...s, expired: false }));
  if (message.type === 'keys' && phase !== 'open') void startSession();
});
globalThis.addEventListener?.('online', () => {
  const { phase, error } = get(state);
  if (phase === 'starting' && error) void startSession();
  if (phase === 'signed-out') void forgetCookie().catch(() => undefined);
});

// -- signing in and out ---------------------------------------------------------------------------------------------

export async function signIn(name: string, password: string): Promise<void> {
  const url = await addressOf('/api/v1/auth/login');
  const body = { name, password };
  const tokens = await exclusively('mana-refresh', () =>
    request<Tokens>('POST', url, { body, withCookie: true }),
  );
  localStorage.removeItem(logoutKey);
  await finishRemoving().catch(() => undefined);
  // What comes now is to stay.
  localStorage.removeItem(removingKey);
  const before = keptPerson();
  const person = { userId: tokens.userId, name };
  if (before && before.userId !== person.userId) {
    leave();
    await forgetKeysOf(before.userId);
  }
  localStorage.setItem(personKey, JSON.stringify(person));
  tokenOwner(person.userId, lost);
  holdTokens(tokens);
  tellTabs({ type: 'session', userId: person.userId });
  const { phase, userId } = get(state);
  if (phase === 'open' && userId === person.userId) state.update((s) => ({ ...s, expired: false, name }));
  else await enter(person);
}

// Their data stays, sealed, for when they come back; the key to it does not.
async function forgetKeysOf(userId: string): Promise<void> {
  const theirs = new ManaDb(userId);
  await theirs.keys.clear().catch(() => undefined);
  theirs.close();
}

/** Signs in as well. */
export async function register(name: string, password: string): Promise<void> {
  await request('POST', await addressOf('/api/v1/auth/register'), {
    body: { name, password },
    withCookie: true,
  });
  await signIn(name, password);
}

/** Own changes on this device that the service does not have. */
export const unsyncedChanges = async (): Promise<number> =>
  get(state).userId === undefined ? 0 : stored(() => db.outbox.where('status').notEqual('sent').count());

export interface SignedOut {
  done: boolean;
  /** How many changes are, or would have been, lost. */
  unsynced: number;
}

/** Removes everything from this device. Not done when changes would be lost, unless `discard` says so. */
export async function signOut(options: { discard?: boolean } = {}): Promise<SignedOut> {
  const { userId } = get(state);
  const unsynced = options.discard ? 0 : await unsyncedChanges();
  if (unsynced > 0) return { done: false, unsynced };
  localStorage.setItem(logoutKey, '1');
  if (userId !== undefined) localStorage.setItem(removingKey, userId);
  localStorage.removeItem(personKey);
  leave();
  tellTabs({ type: 'session', userId: undefined });
  await finishRemoving();
  await forgetCookie().catch(() => undefined);
  return { done: true, unsynced };
}

// -- the vault ------------------------------------------------------------------------------------------------------

async function openWith(raw: Uint8Array<ArrayBuffer>, status: VaultStatus): Promise<void> {
  const mine = visit;
  open(mine, await keepKeys(raw, status));
  tellTabs({ type: 'keys' });
}

export async function initVault(): Promise<void> {
  const raw = await createVault();
  await openWith(raw, await vaultStatus());
}

/** Throws RECOVERY_CODE_MALFORMED or RECOVERY_CODE_WRONG. */
export async function unlock(recoveryCode: string): Promise<void> {
  parseRecoveryCode(recoveryCode);
  const raw = await fetchWithRecoveryCode(recoveryCode);
  await openWith(raw, await vaultStatus());
}

/** A code that nobody has seen yet: it counts once `confirm` was called, when the user has written it down. */
export interface NewRecoveryCode {
  code: string;
  /** From here on the server cannot derive the key any more. Throws RECOVERY_CODE_WRONG when `typed` is another. */
  confirm(typed: string): Promise<void>;
}

async function updateVault(): Promise<void> {
  const { zeroKnowledge, hasRecoveryWrap: hasRecovery } = await vaultStatus();
  await stored(() => db.keys.update('master', { zeroKnowledge, hasRecovery }));
  patch(visit, { zeroKnowledge, hasRecovery });
}

/** The two steps of zero-knowledge: show the code, then `confirm`. */
export async function enableZeroKnowledge(): Promise<NewRecoveryCode> {
  const raw = await fetchMasterKey();
  if (!raw) throw new ApiError(409, 'ZK_ACTIVE');
  const secret = newRecoverySecret();
  const code = formatRecoveryCode(secret);
  const wrap: RecoveryWrap = await wrapForRecovery(secret, raw);
  raw.fill(0);
  return {
    code,
    async confirm(typed) {
      if (formatRecoveryCode(parseRecoveryCode(typed)) !== code) throw new ApiError(0, 'RECOVERY_CODE_WRONG');
      await putRecoveryWrap(wrap);
      await setZeroKnowledge({ enable: true });
      await updateVault();
    },
  };
}

/** Hands the master key to the server again. */
export async function disableZeroKnowledge(recoveryCode: string): Promise<void> {
  parseRecoveryCode(recoveryCode);
  const raw = await fetchWithRecoveryCode(recoveryCode);
  await setZeroKnowledge({ enable: false, masterKey: toBase64(raw) });
  raw.fill(0);
  await updateVault();
}
