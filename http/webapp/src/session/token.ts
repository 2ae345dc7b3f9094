// The access token of this tab, and its refresh by the cookie. A refresh token works once, and using it again ends the
// session: so of all tabs one refreshes at a time.
import { config } from '$lib/api/config';
import { ApiError, request } from '$lib/api/request';
import { exclusively } from './locks';

export interface Tokens {
  userId: string;
  accessToken: string;
  expiresAt: string;
}

interface Held {
  text: string;
  /** By this device's clock, milliseconds. */
  until: number;
}

const marginMs = 30_000;
let owner: string | undefined;
let held: Held | undefined;
let refreshing: Promise<string> | undefined;
let onLost: (why: 'expired' | 'other-user') => void = () => undefined;

// From what the token says of its own life, so that a wrong clock of this device does no harm.
function lifetimeMs(tokens: Tokens): number {
  try {
    const payload = tokens.accessToken.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/');
    const { iat, exp } = JSON.parse(atob(payload)) as { iat?: number; exp?: number };
    if (typeof iat === 'number' && typeof exp === 'number') return (exp - iat) * 1000;
  } catch {
    // Not a token that can be read: its answer says when it ends.
  }
  return Date.parse(tokens.expiresAt) - Date.now();
}

/** Whose token it must be; undefined: nobody is signed in. */
export function tokenOwner(userId: string | undefined, lost: typeof onLost = () => undefined): void {
  if (userId !== owner) held = undefined;
  owner = userId;
  onLost = lost;
}

export function holdTokens(tokens: Tokens): void {
  held = { text: tokens.accessToken, until: Date.now() + lifetimeMs(tokens) };
}

/** The service did not accept it: the next one is another. */
export function tokenRefused(text: string): void {
  if (held?.text === text) held = undefined;
}

const current = (): string | undefined =>
  held !== undefined && Date.now() < held.until - marginMs ? held.text : undefined;

async function refresh(): Promise<string> {
  const askedFor = owner;
  const { authUrl } = await config();
  const url = `${authUrl}/api/v1/auth/refresh`;
  let tokens: Tokens;
  try {
    tokens = await exclusively('mana-refresh', () => request<Tokens>('POST', url, { withCookie: true }));
  } catch (e) {
    if (e instanceof ApiError && e.status === 401 && owner === askedFor) onLost('expired');
    throw e;
  }
  if (owner !== askedFor) throw new ApiError(401, 'UNAUTHORIZED', 'signed out meanwhile');
  // All tabs share the cookie: in another one somebody else has signed in.
  if (tokens.userId !== owner) {
    onLost('other-user');
    throw new ApiError(401, 'UNAUTHORIZED', 'another user is signed in');
  }
  holdTokens(tokens);
  return tokens.accessToken;
}

/**
 * A token that lives for a while yet. Throws an ApiError: OFFLINE, or UNAUTHORIZED when the session has ended, or is
 * not that of `userId`.
 */
export async function accessToken(userId: string | undefined = owner): Promise<string> {
  if (userId !== owner) throw new ApiError(401, 'UNAUTHORIZED', 'another user is signed in');
  if (owner === undefined) throw new ApiError(401, 'UNAUTHORIZED', 'nobody is signed in');
  const known = current();
  if (known !== undefined) return known;
  refreshing ??= refresh().finally(() => (refreshing = undefined));
  return refreshing;
}
