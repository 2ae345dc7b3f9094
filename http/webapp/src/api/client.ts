// Calls of the service as the signed-in user.
import { accessToken, tokenRefused } from '$lib/session/token';
import { config } from './config';
import { ApiError, request } from './request';

export { ApiError, asApiError } from './request';

const authPaths = ['/api/v1/auth', '/api/v1/me/encryption-vault', '/api/v1/me/ai-mission-grant'];

/** Where a path of the service is. */
export async function addressOf(path: string): Promise<string> {
  const { authUrl, syncUrl, runnerUrl } = await config();
  if (authPaths.some((prefix) => path.startsWith(prefix))) return authUrl + path;
  return (path.startsWith('/sync/') || path === '/ws' ? syncUrl : runnerUrl) + path;
}

export interface ApiOptions {
  signal?: AbortSignal;
  /** Default 60 s. */
  timeoutMs?: number;
  /** Refused with UNAUTHORIZED when by now somebody else is signed in: for work on one user's data. */
  userId?: string;
}

/** The answer's JSON, null where it has none. Throws an ApiError; an aborted call throws what fetch does. */
export async function api<T>(
  method: string,
  path: string,
  body?: unknown,
  options: ApiOptions = {},
): Promise<T> {
  const { userId, ...rest } = options;
  const url = await addressOf(path);
  const token = await accessToken(userId);
  try {
    return await request<T>(method, url, { body, token, ...rest });
  } catch (e) {
    if (!(e instanceof ApiError) || e.status !== 401) throw e;
    tokenRefused(token);
    return request<T>(method, url, { body, token: await accessToken(userId), ...rest });
  }
}
