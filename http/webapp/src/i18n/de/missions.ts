export const missions = {};
