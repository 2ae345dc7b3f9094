import { checkedCredentials } from '$lib/shell/credentials';
import { endsCode } from '$lib/settings/recovery_code';
import { describe, expect, it } from 'vitest';

describe('a new account', () => {
  const check = (name: string, password: string) => checkedCredentials({ name, password }, 'register');
  it('is what the service accepts', () => {
    expect(check('Lena', '12345678')).toEqual({});
    expect(check(' ' + '🙂'.repeat(64) + ' ', 'ä'.repeat(100))).toEqual({});
  });
  it('is refused with the reason', () => {
    expect(check(' ', '')).toEqual({ name: 'nameMissing', password: 'passwordMissing' });
    expect(check('x'.repeat(65), '1234567')).toEqual({ name: 'nameForm', password: 'passwordShort' });
    expect(check('x', 'ä'.repeat(101)).password).toBe('passwordLong');
  });
  it('of old is not measured', () =>
    expect(checkedCredentials({ name: 'x', password: 'kurz' }, 'sign-in')).toEqual({}));
});

describe('the end of a recovery code', () => {
  const code = 'AB12-CD34-EF56-7890';
  it('is recognised however it is typed', () => {
    for (const typed of ['EF56-7890', 'ef567890', ' ef56 7890 ', code])
      expect(endsCode(typed, code)).toBe(true);
  });
  it('is not a shorter one, nor another part', () => {
    for (const typed of ['', '7890', '567890', 'CD34-EF56', 'EF56-7891'])
      expect(endsCode(typed, code)).toBe(false);
  });
});
