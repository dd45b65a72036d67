import { expect, test } from 'vitest';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { sharedLook } from './shared-look.ts';

test('who asks together shares one look; who asks later, or on another target, gets another', async () => {
  let looks = 0;
  const look = sharedLook(async () => ++looks);
  const [one, other] = [fakeReach(), fakeReach()];
  const began = one.now();
  expect(await Promise.all([look(one), look(one), look(one)])).toEqual(Array(3).fill({ at: began, seen: 1 }));
  expect((await look(other)).seen).toBe(2);
  await one.sleep(2_000);
  expect(await look(one)).toEqual({ at: began + 2_000, seen: 3 });
});

test('a look that fails fails for those who share it, and for nobody else', async () => {
  let fails = true;
  const look = sharedLook(async () => {
    if (fails) throw new Error('refused');
    return 'well';
  });
  const reach = fakeReach();
  const both = await Promise.allSettled([look(reach), look(reach)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  fails = false;
  await reach.sleep(1_000);
  expect((await look(reach)).seen).toBe('well');
});
