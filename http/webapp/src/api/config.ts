// What the service says about itself: /config.json. The last answer is kept, so that the app starts without it.
import { ApiError, request } from './request';

export interface AppConfig {
  /** Base addresses; '' is where the app comes from. */
  authUrl: string;
  syncUrl: string;
  runnerUrl: string;
  /** The service signs users in itself. */
  signIn: boolean;
  registration: boolean;
  defaultTimeZone: string;
  version: string;
}

const storageKey = 'mana.config';
const timeoutMs = 5_000;
let known: Promise<AppConfig> | undefined;

function kept(): AppConfig | undefined {
  const text = globalThis.localStorage?.getItem(storageKey);
  try {
    return text ? (JSON.parse(text) as AppConfig) : undefined;
  } catch {
    return undefined;
  }
}

const address = (v: unknown): string => (typeof v === 'string' ? v.replace(/\/+$/, '') : '');

function read(answer: Partial<AppConfig> | null): AppConfig {
  if (typeof answer !== 'object' || answer === null)
    throw new ApiError(200, 'UNEXPECTED', 'config.json is no object');
  return {
    authUrl: address(answer.authUrl),
    syncUrl: address(answer.syncUrl),
    runnerUrl: address(answer.runnerUrl),
    signIn: answer.signIn !== false,
    registration: answer.registration === true,
    defaultTimeZone: typeof answer.defaultTimeZone === 'string' ? answer.defaultTimeZone : 'UTC',
    version: typeof answer.version === 'string' ? answer.version : '',
  };
}

async function load(): Promise<AppConfig> {
  try {
    const config = read(await request<AppConfig>('GET', '/config.json', { timeoutMs }));
    globalThis.localStorage?.setItem(storageKey, JSON.stringify(config));
    return config;
  } catch (e) {
    const before = kept();
    if (before) return before;
    known = undefined;
    throw e;
  }
}

export const config = (): Promise<AppConfig> => (known ??= load());

/** The next call asks again. */
export const forgetConfig = (): void => void (known = undefined);
