import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate for 127.0.0.1 and its key, in PEM, valid for two days; its own authority. */
export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = seq(hex('06082a8648ce3d040302'));
  const name = seq(tlv(0x31, seq(hex('0603550403'), tlv(0x0c, Buffer.from('127.0.0.1')))));
  const day = 24 * 3_600_000;
  const validity = seq(time(Date.now() - day), time(Date.now() + day));
  const subjectAltName = seq(hex('0603551d11'), tlv(0x04, seq(tlv(0x87, Buffer.from([127, 0, 0, 1])))));
  const authority = seq(hex('0603551d13'), hex('0101ff'), tlv(0x04, seq(hex('0101ff'))));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const body = seq(
    tlv(0xa0, hex('020102')),
    tlv(0x02, serial),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, seq(subjectAltName, authority)),
  );
  const signature = sign('sha256', body, privateKey);
  const der = seq(body, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** One value in DER: kind, length, content. */
function tlv(kind: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [kind, length] : [kind, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}
const seq = (...parts: Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts));
const hex = (digits: string): Buffer => Buffer.from(digits, 'hex');
const time = (ms: number): Buffer =>
  tlv(0x17, Buffer.from(`${new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`));
