import type { VendorTable } from '../table.ts';

/**
 * VMware NSX and vSphere switches; Open vSwitch exports its tunnel elements (891 to 897) under the same enterprise number.
 * Facts of VMware's NSX-T administration guide and of Open vSwitch's list of enterprise entities. The guide calls vmUuid a
 * string of 16 octets; a UUID in 16 octets is not text, so it is octets here, as vifUuid is in the guide.
 */
export const vmware: VendorTable = {
  pen: 6876,
  rows: [
    [880, 'vmwareTenantProtocol', 'unsigned8'],
    [881, 'vmwareTenantSourceIPv4', 'ipv4Address'],
    [882, 'vmwareTenantDestIPv4', 'ipv4Address'],
    [883, 'vmwareTenantSourceIPv6', 'ipv6Address'],
    [884, 'vmwareTenantDestIPv6', 'ipv6Address'],
    [886, 'vmwareTenantSourcePort', 'unsigned16'],
    [887, 'vmwareTenantDestPort', 'unsigned16'],
    [888, 'vmwareEgressInterfaceAttr', 'unsigned16'],
    [889, 'vmwareVxlanExportRole', 'unsigned8'],
    [890, 'vmwareIngressInterfaceAttr', 'unsigned16'],
    [891, 'vmwareTunnelType', 'unsigned8'],
    [892, 'vmwareTunnelKey', 'octetArray'],
    [893, 'vmwareTunnelSourceIPv4Address', 'ipv4Address'],
    [894, 'vmwareTunnelDestinationIPv4Address', 'ipv4Address'],
    [895, 'vmwareTunnelProtocolIdentifier', 'unsigned8'],
    [896, 'vmwareTunnelSourceTransportPort', 'unsigned16'],
    [897, 'vmwareTunnelDestinationTransportPort', 'unsigned16'],
    [898, 'vmwareVirtualObsID', 'string'],
    [950, 'vmwareRuleId', 'unsigned32'],
    [951, 'vmwareVmUuid', 'octetArray'],
    [952, 'vmwareVnicIndex', 'unsigned32'],
    [953, 'vmwareSessionFlags', 'unsigned8'],
    [954, 'vmwareFlowDirection', 'unsigned8'],
    [955, 'vmwareAlgControlFlowId', 'unsigned64'],
    [956, 'vmwareAlgType', 'unsigned8'],
    [957, 'vmwareAlgFlowType', 'unsigned8'],
    [958, 'vmwareAverageLatency', 'unsigned32'],
    [959, 'vmwareRetransmissionCount', 'unsigned32'],
    [960, 'vmwareVifUuid', 'octetArray'],
    [961, 'vmwareVifId', 'string'],
  ],
};
