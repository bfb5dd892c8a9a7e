import type { FieldSpecifier, Layout } from '../decode/layout.ts';
import { HEADER_BYTES, type MessageHeader } from '../wire/header.ts';
import { SET_HEADER_BYTES, SetId } from '../wire/set.ts';
import { ENTERPRISE_BIT } from '../wire/template.ts';

/**
 * A message that defines one template, as the exporter of `header` would have sent it (formats: wire/header.ts,
 * wire/template.ts). For quarantine files: so a datagram is kept together with what is needed to decode it.
 */
export function templateMessage(
  header: MessageHeader,
  templateId: number,
  options: boolean,
  layout: Layout,
): Uint8Array {
  const v9 = layout.dialect === 9;
  const ipfix = header.version === 10;
  const setId = v9
    ? options
      ? SetId.v9OptionsTemplate
      : SetId.v9Template
    : options
      ? SetId.optionsTemplate
      : SetId.template;
  const words = [templateId];
  const scopes = layout.scopeCount;
  if (v9 && options) words.push(scopes * 4, (layout.fields.length - scopes) * 4);
  else if (options) words.push(layout.fields.length, scopes);
  else words.push(layout.fields.length);
  for (const field of layout.fields) pushSpecifier(words, field, v9);

  const headerBytes = HEADER_BYTES[header.version];
  const setBytes = SET_HEADER_BYTES + words.length * 2;
  const bytes = new Uint8Array(headerBytes + setBytes);
  const view = new DataView(bytes.buffer);
  const seconds = Math.floor(header.exportTimeMs / 1000);
  view.setUint16(0, header.version);
  view.setUint16(2, ipfix ? bytes.length : 1);
  if (ipfix) {
    view.setUint32(4, seconds);
    view.setUint32(8, header.sequence);
    view.setUint32(12, header.observationDomainId);
  } else {
    view.setUint32(4, header.sysUptimeMs);
    view.setUint32(8, seconds);
    view.setUint32(12, header.sequence);
    view.setUint32(16, header.observationDomainId);
  }
  view.setUint16(headerBytes, setId);
  view.setUint16(headerBytes + 2, setBytes);
  words.forEach((word, i) => {
    view.setUint16(headerBytes + SET_HEADER_BYTES + i * 2, word);
  });
  return bytes;
}

function pushSpecifier(words: number[], field: FieldSpecifier, v9: boolean): void {
  if (v9 || field.pen === 0) words.push(field.id, field.length);
  else words.push(field.id | ENTERPRISE_BIT, field.length, field.pen >>> 16, field.pen & 0xffff);
}
