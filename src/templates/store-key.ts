import { addressText, parseAddress } from '../base/ip.ts';
import { StateKind } from './state-block.ts';

/** What a scope name says. */
export interface ScopeKey {
  /** Header version: 9 or 10. */
  version: number;
  /** 16 octets. */
  address: Uint8Array;
  /** UDP source port; 0 where it is not part of the key. */
  port: number;
  /** Observation domain or source id. */
  domain: number;
}

const VERSION_NAMES: Readonly<Record<number, string>> = { 9: 'v9', 10: 'ipfix' };

/** Name of a scope in stores: version/address/port/domain, such as `ipfix/192.0.2.1/0/7`. One name for one scope. */
export function scopeName(version: number, address: Uint8Array, port: number, domain: number): string {
  return `${VERSION_NAMES[version]}/${addressText(address, 0)}/${port}/${domain}`;
}

/** Reads a scope name; null unless it is exactly as scopeName writes it. */
export function parseScopeName(name: string): ScopeKey | null {
  const [versionText, text, port, domain, ...rest] = name.split('/');
  const version = versionText === 'v9' ? 9 : 10;
  const address = new Uint8Array(16);
  if (rest.length > 0 || domain === undefined || !parseAddress(text, address)) return null;
  const key = { version, address, port: Number(port), domain: Number(domain) };
  const sound = key.port >= 0 && key.port <= 0xffff && key.domain >= 0 && key.domain <= 0xffffffff;
  return sound && scopeName(key.version, address, key.port, key.domain) === name ? key : null;
}

/** Name of a template's item, such as `template/256`. */
export function templateItem(templateId: number): string {
  return `template/${templateId}`;
}

/** The template id of an item, or -1 when it is none. */
export function itemTemplateId(item: string): number {
  if (!item.startsWith('template/')) return -1;
  const id = Number(item.slice('template/'.length));
  return Number.isInteger(id) && id >= 256 && id <= 0xffff && templateItem(id) === item ? id : -1;
}

const STATE_KIND_NAMES = Object.keys(StateKind) as (keyof typeof StateKind)[];

/** Name of an item of exporter state: its kind and the hex of its key (state-block.ts), such as `state/interfaceName/…`. */
export function stateItem(kind: number, key: Uint8Array): string {
  return `state/${STATE_KIND_NAMES[kind]}/${Buffer.from(key).toString('hex')}`;
}

/** Items of exporter state that have no key: the sampling rate of the system as a whole, and when it came up. */
export const SYSTEM_RATE_ITEM = 'state/systemRate';
export const SYSTEM_INIT_ITEM = 'state/systemInit';

/** Kind and key of an item of exporter state; null when it is none with a key. */
export function parseStateItem(item: string): { kind: number; key: Uint8Array } | null {
  const [prefix, name, hex, ...rest] = item.split('/');
  if (prefix !== 'state' || hex === undefined || rest.length > 0) return null;
  const index = STATE_KIND_NAMES.indexOf(name as keyof typeof StateKind);
  const key = Buffer.from(hex, 'hex');
  if (index < 0 || key.length === 0 || key.toString('hex') !== hex) return null;
  return { kind: StateKind[STATE_KIND_NAMES[index]], key };
}
