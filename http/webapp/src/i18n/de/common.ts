export const common = {
  app: 'Mana',
  save: 'Speichern',
  cancel: 'Abbrechen',
  delete: 'Löschen',
  restore: 'Wiederherstellen',
  close: 'Schließen',
  offline: 'Offline. Änderungen werden hier gespeichert und später abgeglichen.',
};
