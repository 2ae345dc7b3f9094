export const common = {
  app: 'Mana',
  save: 'Save',
  cancel: 'Cancel',
  delete: 'Delete',
  restore: 'Restore',
  close: 'Close',
  offline: 'Offline. Changes are kept here and synced later.',
};
