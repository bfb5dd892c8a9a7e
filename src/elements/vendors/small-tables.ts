import type { VendorTable } from '../table.ts';

/** Vendors of whose elements few are publicly described. */

/** Alcatel-Lucent (Nokia) service routers, NAT. Facts of the Logstash netflow codec and Filebeat. */
export const alcatel: VendorTable = {
  pen: 637,
  rows: [
    [91, 'alcatelNatInsideSvcId', 'unsigned16'],
    [92, 'alcatelNatOutsideSvcId', 'unsigned16'],
    [93, 'alcatelNatSubString', 'string'],
  ],
};

/**
 * Juniper Networks: six bits of kind and ten of value, one field per kind. Facts of the Junos guide to resiliency exception
 * reporting as Wireshark and akvorado read it.
 */
export const juniper: VendorTable = {
  pen: 2636,
  rows: [[137, 'juniperCommonPropertiesId', 'unsigned16']],
};

/** Astaro (Sophos) application control. Facts of the Logstash netflow codec and Filebeat. */
export const astaro: VendorTable = {
  pen: 9789,
  rows: [
    [1, 'astaroAfcProtocol', 'unsigned16'],
    [2, 'astaroAfcProtocolName', 'string'],
    [4, 'astaroFlowDirection', 'unsigned8'],
  ],
};

/** Barracuda firewalls. Facts on which the Logstash netflow codec, Filebeat and Wireshark agree. */
export const barracuda: VendorTable = {
  pen: 10704,
  rows: [
    [1, 'barracudaTimestamp', 'dateTimeSeconds'],
    [2, 'barracudaLogOp', 'unsigned8'],
    [3, 'barracudaTrafficType', 'unsigned8'],
    [4, 'barracudaFWRule', 'string'],
    [5, 'barracudaServiceName', 'string'],
    [6, 'barracudaReason', 'unsigned32'],
    [7, 'barracudaReasonText', 'string'],
    [8, 'barracudaBindIPv4Address', 'ipv4Address'],
    [9, 'barracudaBindTransportPort', 'unsigned16'],
    [10, 'barracudaConnIPv4Address', 'ipv4Address'],
    [11, 'barracudaConnTransportPort', 'unsigned16'],
    [12, 'barracudaAuditCounter', 'unsigned32'],
  ],
};

/** Masaryk University: HTTP and RTSP elements that CESNET's probes export. Facts of libfds (5xx) and ipfixprobe (6xx). */
export const muni: VendorTable = {
  pen: 16982,
  rows: [
    [500, 'muniHTTPRequestType', 'unsigned32'],
    [501, 'muniHTTPRequestHost', 'string'],
    [502, 'muniHTTPRequestURL', 'string'],
    [503, 'muniHTTPRequestAgentID', 'unsigned32'],
    [504, 'muniHTTPRequestAgent', 'string'],
    [505, 'muniHTTPRequestReferer', 'string'],
    [506, 'muniHTTPResponseCode', 'unsigned32'],
    [507, 'muniHTTPResponseType', 'string'],
    [508, 'muniHTTPResponseTime', 'unsigned32'],
    [600, 'muniRTSPMethod', 'string'],
    [601, 'muniRTSPUserAgent', 'string'],
    [602, 'muniRTSPURI', 'string'],
    [603, 'muniRTSPStatus', 'unsigned16'],
    [604, 'muniRTSPContentType', 'string'],
    [605, 'muniRTSPServer', 'string'],
  ],
};

/** Linux netfilter (ulogd). Facts of the Logstash netflow codec and Filebeat. */
export const netfilter: VendorTable = {
  pen: 21373,
  rows: [
    [4, 'netfilterMark', 'unsigned32'],
    [6, 'netfilterConntrackId', 'unsigned32'],
  ],
};

/** Viptela (Cisco SD-WAN). Facts of the Logstash netflow codec. */
export const viptela: VendorTable = {
  pen: 41916,
  rows: [[4321, 'viptelaVpnId', 'unsigned64']],
};
