// One HTTP request with JSON in and out; whatever goes wrong is an ApiError.

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** 0: there was no answer. */
    readonly status: number,
    /** One of api/codes.ts; people read the words that i18n has for it. */
    readonly code: string,
    /** The service's own words, for developers; they name the field that is wrong. */
    detail = code,
    readonly retryAfterMs?: number,
  ) {
    super(detail);
  }
}

export interface RequestOptions {
  body?: unknown;
  token?: string;
  signal?: AbortSignal;
  /** Default 60 s. */
  timeoutMs?: number;
  /** With the refresh cookie, also to another origin. */
  withCookie?: boolean;
}

const defaultTimeoutMs = 60_000;

function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function errorOf(response: Response, answer: unknown): ApiError {
  const { error, code } = (answer ?? {}) as { error?: unknown; code?: unknown };
  return new ApiError(
    response.status,
    typeof code === 'string' ? code : 'UNEXPECTED',
    typeof error === 'string' ? error : `status ${response.status}`,
    retryAfter(response),
  );
}

function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export async function request<T>(method: string, url: string, options: RequestOptions = {}): Promise<T> {
  const { body, token, signal, timeoutMs = defaultTimeoutMs, withCookie } = options;
  const giveUp = new AbortController();
  const stop = () => giveUp.abort();
  const timer = setTimeout(stop, timeoutMs);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    const response = await fetch(url, {
      method,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
      },
      credentials: withCookie ? 'include' : 'same-origin',
      cache: 'no-store',
      signal: giveUp.signal,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const answer = parsed(await response.text());
    if (!response.ok) throw errorOf(response, answer);
    if (answer === undefined) throw new ApiError(response.status, 'UNEXPECTED', 'the answer is not JSON');
    return answer as T;
  } catch (e) {
    if (e instanceof ApiError || signal?.aborted) throw e;
    if (giveUp.signal.aborted) throw new ApiError(0, 'TIMEOUT');
    throw new ApiError(0, 'OFFLINE', e instanceof Error ? e.message : 'no connection');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** Of anything that was thrown. */
export const asApiError = (e: unknown): ApiError =>
  e instanceof ApiError ? e : new ApiError(0, 'UNEXPECTED', e instanceof Error ? e.message : String(e));
