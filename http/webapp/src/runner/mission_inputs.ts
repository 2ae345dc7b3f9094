// The texts of a mission's inputs, opened in this browser.
import { read } from '$lib/store/records';
import type { Mission } from '$lib/model/types';
import { inputKind, inputText, type Fields, type InputText } from './input_texts';

/** In the mission's order; what cannot be shown is left out. Encrypted fields only with `sealedToo`. */
export async function missionInputs(mission: Mission, sealedToo: boolean): Promise<InputText[]> {
  const out: InputText[] = [];
  for (const input of mission.inputs ?? []) {
    const kind = inputKind(input.module);
    if (!kind || !input.id) continue;
    const found = await read<Fields>(kind.table, kind.onlyRecord ?? input.id);
    if (!found) continue;
    const record: Fields = { ...found };
    if (!sealedToo) for (const field of kind.sealed) delete record[field];
    const link = kind.link && record[kind.link.field];
    const linked =
      kind.link && typeof link === 'string' ? await read<Fields>(kind.link.table, link) : undefined;
    const text = inputText(input.module, record, linked);
    if (text) out.push(text);
  }
  return out;
}
