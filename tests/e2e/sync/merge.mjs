// The merge rule of the contract (section 1), over rows as the sync routes give them. An implementation of its own.

const byTimeAndId = (a, b) => (a.createdAt < b.createdAt ? -1 : a.createdAt > b.createdAt ? 1 : a.eventId < b.eventId ? -1 : 1);

// A row's writes as [field, value, stamp].
function writesOf(row) {
  if (row.op === 'insert') {
    const stamp = row.data.updatedAt ?? row.data.createdAt ?? row.createdAt;
    return Object.entries(row.data).map(([field, value]) => [field, value, stamp]);
  }
  return Object.entries(row.fields ?? {}).map(([field, { value, updatedAt }]) => [field, value, updatedAt ?? row.createdAt]);
}

// All records of a log, by `<table>:<id>`, whatever the order in which the rows came.
export function fold(rows) {
  const records = new Map();
  for (const row of [...rows].sort(byTimeAndId)) {
    const key = `${row.table}:${row.id}`;
    if (row.op === 'delete' && !row.deletedAt) {
      records.delete(key);
      continue;
    }
    if (!records.has(key)) {
      if (row.op !== 'insert') continue;
      records.set(key, {});
    }
    const record = records.get(key);
    for (const [field, value, stamp] of writesOf(row))
      if (field !== 'id' && !field.startsWith('__') && (!record[field] || stamp >= record[field].stamp))
        record[field] = { value, stamp };
  }
  return records;
}

// The same for the same records, on whatever device.
export const canonical = (records) =>
  JSON.stringify(
    [...records].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, record]) => [key, Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1))]),
  );
