import type { VendorTable } from '../table.ts';

/**
 * Vendor field types of NetFlow v9, which has no enterprise numbers. They lie above 32767, where IPFIX has no element
 * ids, so they cannot meet an element of the IANA registry.
 *
 * 33000 to 35012 and 40000 to 40005: Cisco ASA event logging (NSEL) and IOS XE firewall logging. Facts of the Cisco ASA
 * NetFlow implementation guide and of Cisco's high-speed logging guide, as libfds, Wireshark, the Logstash netflow codec
 * and Filebeat have them. The access list ids are three numbers of four octets each; 40001 to 40005 mean what newer
 * software sends as 225 to 228 and 233 of IANA.
 * 56701 and 56702: Palo Alto Networks, by its NetFlow template documentation.
 */
export const netflow9: VendorTable = {
  pen: 0,
  rows: [
    [33000, 'ciscoIngressAclId', 'octetArray'],
    [33001, 'ciscoEgressAclId', 'octetArray'],
    [33002, 'ciscoFirewallExtendedEvent', 'unsigned16'],
    [33003, 'ciscoFirewallEventLevel', 'unsigned32'],
    [33004, 'ciscoFirewallEventLevelId', 'unsigned32'],
    [33005, 'ciscoFirewallConfiguredValue', 'unsigned32'],
    [35004, 'ciscoFirewallBlackoutSeconds', 'unsigned32'],
    [35005, 'ciscoFirewallHalfOpenHigh', 'unsigned32'],
    [35006, 'ciscoFirewallHalfOpenRate', 'unsigned32'],
    [35007, 'ciscoFirewallZonePairId', 'unsigned32'],
    [35008, 'ciscoFirewallMaxSessions', 'unsigned32'],
    [35010, 'ciscoFirewallExtendedEventDescription', 'string'],
    [35011, 'ciscoFirewallSummaryPacketCount', 'unsigned32'],
    [35012, 'ciscoFirewallHalfOpenCount', 'unsigned32'],
    [40000, 'ciscoUserName', 'string'],
    [40001, 'ciscoXlateSourceIPv4Address', 'ipv4Address'],
    [40002, 'ciscoXlateDestinationIPv4Address', 'ipv4Address'],
    [40003, 'ciscoXlateSourcePort', 'unsigned16'],
    [40004, 'ciscoXlateDestinationPort', 'unsigned16'],
    [40005, 'ciscoFirewallEvent', 'unsigned8'],
    [56701, 'paloAltoAppId', 'string'],
    [56702, 'paloAltoUserId', 'string'],
  ],
};
