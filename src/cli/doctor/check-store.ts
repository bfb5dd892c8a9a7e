import { countText } from '../../base/count-text.ts';
import { describeError } from '../../base/errors.ts';
import { tryStore } from '../try-store.ts';
import type { Check } from './finding.ts';

/** Can the template store be reached, and will it keep what it is given? Only for stores that others share. */
export const store: Check = async ({ templateStore: uri }) => {
  if (uri === undefined || /^(file|memory):/.test(uri)) return [];
  try {
    const { scopes, said } = await tryStore(uri);
    const policy = /maxmemory-policy (\S+)/.exec(said)?.[1];
    if (policy !== undefined) {
      const text = `Redis evicts keys when its memory is full (maxmemory-policy ${policy}): templates will be lost`;
      return [{ severity: 'warning', text, fix: 'redis-cli CONFIG SET maxmemory-policy noeviction' }];
    }
    return [{ severity: 'ok', text: `can be read, ${countText(scopes, 'scope')}` }];
  } catch (error) {
    const fix = 'start it, or correct --templates; --store-optional starts a collector without it';
    return [{ severity: 'error', text: describeError(error), fix }];
  }
};
