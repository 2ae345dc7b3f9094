// The user's vault on the service, and its master key on this device.
import { api } from '$lib/api/client';
import { ApiError } from '$lib/api/request';
import { fromBase64 } from '$lib/crypto/bytes';
import { importMasterKey } from '$lib/crypto/keys';
import { recoverMasterKey, type RecoveryWrap } from '$lib/crypto/recovery';
import { db, stored, type KeyRow } from '$lib/store/db';

const vault = '/api/v1/me/encryption-vault';

export interface VaultStatus {
  initialised: boolean;
  zeroKnowledge: boolean;
  hasRecoveryWrap: boolean;
  rotatedAt: string | null;
}

type KeyAnswer = { masterKey: string } | ({ requiresRecoveryCode: true } & RecoveryWrap);
type Bytes = Uint8Array<ArrayBuffer>;

export const vaultStatus = (): Promise<VaultStatus> => api<VaultStatus>('GET', `${vault}/status`);

function keyBytes(text: string): Bytes {
  const raw = fromBase64(text);
  if (raw?.length !== 32) throw new ApiError(200, 'UNEXPECTED', 'the vault gave no master key');
  return raw;
}

export async function createVault(): Promise<Bytes> {
  try {
    return keyBytes((await api<{ masterKey: string }>('POST', `${vault}/init`)).masterKey);
  } catch (e) {
    // Another tab or device was faster, or the answer of the first attempt was lost.
    if (!(e instanceof ApiError) || e.code !== 'VAULT_EXISTS') throw e;
    const key = await fetchMasterKey();
    if (!key) throw e;
    return key;
  }
}

const fetchKey = (): Promise<KeyAnswer> => api<KeyAnswer>('GET', `${vault}/key`);

/** Undefined: zero-knowledge, only the recovery code opens it. */
export async function fetchMasterKey(): Promise<Bytes | undefined> {
  const answer = await fetchKey();
  return 'masterKey' in answer ? keyBytes(answer.masterKey) : undefined;
}

export async function fetchWithRecoveryCode(code: string): Promise<Bytes> {
  const answer = await fetchKey();
  return 'masterKey' in answer ? keyBytes(answer.masterKey) : recoverMasterKey(code, answer);
}

export const putRecoveryWrap = (wrap: RecoveryWrap): Promise<null> =>
  api('POST', `${vault}/recovery-wrap`, wrap);

export const setZeroKnowledge = (
  body: { enable: true } | { enable: false; masterKey: string },
): Promise<null> => api('POST', `${vault}/zero-knowledge`, body);

// -- on this device -------------------------------------------------------------------------------------------------

export async function keepKeys(raw: Bytes, status: VaultStatus): Promise<KeyRow> {
  const row: KeyRow = {
    name: 'master',
    ...(await importMasterKey(raw)),
    zeroKnowledge: status.zeroKnowledge,
    hasRecovery: status.hasRecoveryWrap,
    rotatedAt: status.rotatedAt,
  };
  await stored(() => db.keys.put(row));
  return row;
}

export const keptKeys = (): Promise<KeyRow | undefined> => stored(() => db.keys.get('master'));
