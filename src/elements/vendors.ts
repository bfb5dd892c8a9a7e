import type { VendorTable } from './table.ts';
import { antrea } from './vendors/antrea.ts';
import { cert } from './vendors/cert.ts';
import { certLists } from './vendors/cert-lists.ts';
import { cesnet } from './vendors/cesnet.ts';
import { cisco } from './vendors/cisco.ts';
import { flowmon } from './vendors/flowmon.ts';
import { ixia } from './vendors/ixia.ts';
import { netflow9 } from './vendors/netflow9.ts';
import { netscaler } from './vendors/netscaler.ts';
import { ntop } from './vendors/ntop.ts';
import { procera } from './vendors/procera.ts';
import { alcatel, astaro, barracuda, juniper, muni, netfilter, viptela } from './vendors/small-tables.ts';
import { vmware } from './vendors/vmware.ts';

/**
 * Elements that are not IANA's. The tables hold facts (number, name, type) that public dictionaries attest, each names its
 * sources; an element is left out where they contradict each other on what its octets are.
 */
export const VENDOR_TABLES: readonly VendorTable[] = [
  netflow9,
  cisco,
  alcatel,
  juniper,
  ixia,
  netscaler,
  cert,
  certLists,
  vmware,
  cesnet,
  astaro,
  barracuda,
  procera,
  muni,
  netfilter,
  ntop,
  flowmon,
  viptela,
  antrea,
];
