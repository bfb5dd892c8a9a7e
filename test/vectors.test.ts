/** Datagrams that other projects test with or had reported, with the values that those projects expect of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

interface Vector {
  /** Project and file that the octets are from, and what they show. */
  from: string;
  /** Hexadecimal, in the order sent. */
  datagrams: string[];
  /** The fields of all data records as JSON, without the brackets of the list; bigint is text. */
  records?: string;
  /** The same of all options records. */
  options?: string;
  /** Codes of all faults. */
  faults?: string[];
  /** Templates that data sets miss. */
  missing?: number[];
  /** Templates refused. */
  refused?: number[];
}

const VECTORS: Vector[] = [
  {
    from: 'RFC 7011, appendix A.2 and A.3',
    datagrams: [
      `
      000a006c0000000000000000000000010002001c0100000500080004000c0004000f0004000200040001000401000040c0
      00020cc00002fec00002010000139100518c81c000021bc0000217c0000202000002ec0005ef46c0000238c0000241c000
      02030000000500001986`,
    ],
    records: `
      {"sourceIPv4Address": "192.0.2.12", "destinationIPv4Address": "192.0.2.254",
      "ipNextHopIPv4Address": "192.0.2.1", "packetDeltaCount": 5009, "octetDeltaCount": 5344385},
      {"sourceIPv4Address": "192.0.2.27", "destinationIPv4Address": "192.0.2.23",
      "ipNextHopIPv4Address": "192.0.2.2", "packetDeltaCount": 748, "octetDeltaCount": 388934},
      {"sourceIPv4Address": "192.0.2.56", "destinationIPv4Address": "192.0.2.65",
      "ipNextHopIPv4Address": "192.0.2.3", "packetDeltaCount": 5, "octetDeltaCount": 6534}`,
  },
  {
    from: 'CN-TU/go-ipfix, write_test.go: times of nanoseconds',
    datagrams: [
      `
      000a00645a497a3d000000000000000000020014010000030001000800080004009d0008010000400000000000000005c0
      a80001ddf3f88000000000000000000000000ac0a80002ddf3f881000000000000000000000002c0a80003ddf3f8bd0000
      0000`,
    ],
    records: `
      {"octetDeltaCount": 5, "sourceIPv4Address": "192.168.0.1",
      "flowEndNanoseconds": "2018-01-01T00:00:00.000000000Z"}, {"octetDeltaCount": 10,
      "sourceIPv4Address": "192.168.0.2", "flowEndNanoseconds": "2018-01-01T00:00:01.000000000Z"},
      {"octetDeltaCount": 2, "sourceIPv4Address": "192.168.0.3",
      "flowEndNanoseconds": "2018-01-01T00:01:01.000000000Z"}`,
  },
  {
    from: 'CN-TU/go-ipfix, write_test.go: basicLists of octetDeltaCount',
    datagrams: [
      `
      000a00805a497a0300000000000000000002000c010000010123ffff01000064ff001dff00010008000000000000000100
      000000000000020000000000000003ff0015ff0001000800000000000000040000000000000005ff0025ff000100080000
      00000000000a000000000000001400000000000000210000000000000064`,
    ],
    records: `
      {"basicList": {"semantic":"undefined","element":"octetDeltaCount","values":[1,2,3]}},
      {"basicList": {"semantic":"undefined","element":"octetDeltaCount","values":[4,5]}},
      {"basicList": {"semantic":"undefined","element":"octetDeltaCount","values":[10,20,33,100]}}`,
  },
  {
    from: 'CN-TU/go-ipfix, write_test.go: basicLists of applicationName',
    datagrams: [
      `
      000a00725a497a0300000000000000000002000c010000010123ffff01000056ff0013ff0060ffff057465737441013205
      7465737442ff0016ff0060ffff10736f6d657468696e67206c6f6e676572ff0020ff0060ffff0573686f72740474657374
      04736f6d65046d6f7265057465737473`,
    ],
    records: `
      {"basicList": {"semantic":"undefined","element":"applicationName","values":["testA","2","testB"]}},
      {"basicList": {"semantic":"undefined","element":"applicationName","values":["something longer"]}},
      {"basicList": {"semantic":"undefined","element":"applicationName","values":["short","test","some","more","tests"]}}`,
  },
  {
    from: 'ad1217/rs-ipfix-rw, tests/pskreporter.rs: an options template without a scope, which RFC 7011 3.4.2.2 forbids',
    datagrams: [
      `
      000a00ac479532720000000100000000000300249992000300008002ffff0000768f8004ffff0000768f8008ffff000076
      8f00000002002c999300058001ffff0000768f800500040000768f800affff0000768f800b00010000768f009600049992
      0020044e31445106464e3432686e0d486f6d65627265772076352e3600009993002c044e31445100d6b3270350534b0147
      953254064b42314d425800d6b4cb0350534b01479532680000`,
    ],
    records: `
      {"30351.1": "4e314451", "30351.5": "00d6b327", "30351.10": "50534b", "30351.11": "01",
      "flowStartSeconds": "2008-01-22T00:01:24Z"}, {"30351.1": "4b42314d4258", "30351.5": "00d6b4cb",
      "30351.10": "50534b", "30351.11": "01", "flowStartSeconds": "2008-01-22T00:01:44Z"}`,
    missing: [39314],
    refused: [39314],
  },
  {
    from: 'vmware/go-ipfix, pkg/test/collector_intermediate_test.go: a flow of Antrea; 107 has an impossible length',
    datagrams: [
      `
      000a004c5f9a547900000000000000010002003c0100000900080004000c000400070002000b0002000400018065ffff00
      00dcba8067ffff0000dcba806a00040000dcba806b00020000dcba`,
      `
      000a002d5f9a507100000000000000010100001d010203040506070804d2162e0604706f643100c0a800011283`,
    ],
    records: `
      {"sourceIPv4Address": "1.2.3.4", "destinationIPv4Address": "5.6.7.8",
      "sourceTransportPort": 1234, "destinationTransportPort": 5678, "protocolIdentifier": 6,
      "antreaSourcePodName": "pod1", "antreaDestinationPodName": "",
      "antreaDestinationClusterIPv4": "192.168.0.1", "antreaDestinationClusterIPv6": "1283"}`,
  },
  {
    from: 'mikemiles-dev/netflow_parser, issue 121: the message is longer than its header says',
    datagrams: [
      `
      000a006968072723000186a0000000010003001204e800020001000100040022000404e8000c0000006400000064000200
      2c0102000900080004000c000400070002000b000200040001000200040001000400160004001500040102002132010101
      c607ed80303980090600000064077359406807272368072723`,
    ],
    faults: ['set-length-invalid', 'trailing-bytes'],
  },
  {
    from: 'NetGauze, crates/flow-pkt/src/wire/tests/ipfix.rs: options with a text of 90 octets and one of variable length',
    datagrams: [
      `
      000a00386585a8dd0001ce060000822000030028010100070001012e000401310004013000020135000401360004005400
      5a014fffff0000`,
      `
      000a00946585a8dd0001ce0600008220010100840000000100000001000300000001000000014e4554464c4f572d53414d
      504c45522d4d41500000000000000000000000000000000000000000000000000000000000000000000000000000000000
      000000000000000000000000000000000000000000000000000000000000134e4554464c4f572d53414d504c45522d4d41
      50`,
    ],
    options: `
      {"selectorId": 1, "samplingPacketInterval": 1, "selectorAlgorithm": 3, "samplingSize": 1,
      "samplingPopulation": 1, "samplerName": "NETFLOW-SAMPLER-MAP",
      "selectorName": "NETFLOW-SAMPLER-MAP"}`,
  },
  {
    from: 'NetGauze, crates/flow-pkt/src/wire/tests/ipfix.rs: NAT of Nokia',
    datagrams: [
      `
      000a005c667435e000000000000000000002004c0190000e00080004000c000400070002000b000200e1000400e3000200
      9400080004000100260001805b00020000027d805c00020000027d805dffff0000027d0001000400020004`,
      `
      000a0054667435e00000000000000000019000440a6400010a640097271400010808080822b100000000009a2112010000
      01000f154c534e2d486f73744031302e31302e31302e313031000004b0000000010000`,
    ],
    records: `
      {"sourceIPv4Address": "10.100.0.1", "destinationIPv4Address": "10.100.0.151",
      "sourceTransportPort": 10004, "destinationTransportPort": 1,
      "postNATSourceIPv4Address": "8.8.8.8", "postNAPTSourceTransportPort": 8881, "flowId": 10101010,
      "protocolIdentifier": 1, "engineType": 0, "alcatelNatInsideSvcId": 1,
      "alcatelNatOutsideSvcId": 15, "alcatelNatSubString": "LSN-Host@10.10.10.101",
      "octetDeltaCount": 1200, "packetDeltaCount": 1}`,
  },
  {
    from: 'NetGauze, crates/flow-pkt/src/wire/tests/ipfix.rs: VMware',
    datagrams: [
      `
      000a0088668bb8a00000000000000000000200780190001200080004000c000400070002000b0002009400080004000100
      01000400020004837a000200001adc8378000200001adc8379000100001adc8371000400001adc8372000400001adc8376
      000200001adc8377000200001adc8370000100001adc83ba000100001adc8382ffff00001adc`,
      `
      000a006a667435e000000000000000000190005a0a6400010a6400972714000100000000009a211201000004b000000001
      000a000c00c0a88c06c0a88c444e3701bb06002461616161616161612d626262622d636363632d646464642d6565656565
      6565656565656500`,
    ],
    records: `
      {"sourceIPv4Address": "10.100.0.1", "destinationIPv4Address": "10.100.0.151",
      "sourceTransportPort": 10004, "destinationTransportPort": 1, "flowId": 10101010,
      "protocolIdentifier": 1, "octetDeltaCount": 1200, "packetDeltaCount": 1,
      "vmwareIngressInterfaceAttr": 10, "vmwareEgressInterfaceAttr": 12, "vmwareVxlanExportRole": 0,
      "vmwareTenantSourceIPv4": "192.168.140.6", "vmwareTenantDestIPv4": "192.168.140.68",
      "vmwareTenantSourcePort": 20023, "vmwareTenantDestPort": 443, "vmwareTenantProtocol": 6,
      "vmwareFlowDirection": 0, "vmwareVirtualObsID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"}`,
  },
  {
    from: 'NetGauze, crates/flow-pkt/src/wire/tests/netflow.rs: v9 sampler options, padding that is not zero',
    datagrams: [
      `
      000900020f5e5c6b63d545850009432a000000060001002001020004001000010004003000040054002800310001003200
      0200110102003ad503df23000000024e4554464c4f572d53414d504c45522d4d4150000000000000000000000000000000
      000000000000020100010000`,
    ],
    options: `
      {"scopeSystem": 3573800739, "samplerId": 2, "samplerName": "NETFLOW-SAMPLER-MAP",
      "samplerMode": 2, "samplerRandomInterval": 256}`,
  },
  {
    from: 'travelping/netflow, test/ipfix_v10_codec_SUITE.erl: mobileIMSI of variable length',
    datagrams: [
      `
      000a00a4589d9de50000000000000000000200440100000f00990008009800080001000800020008003c0001000a000400
      0e0004003d000100080004000c000400070002000b0002000600020004000101c7ffff010000500000015a27af28de0000
      015a27af28bc00000000000000470000000000000001040000000000000000005c2b339008080808247000350000110f32
      3330303035353530303031323334000000`,
    ],
    records: `
      {"flowEndMilliseconds": "2017-02-10T11:01:15.102Z",
      "flowStartMilliseconds": "2017-02-10T11:01:15.068Z", "octetDeltaCount": 71,
      "packetDeltaCount": 1, "ipVersion": 4, "ingressInterface": 0, "egressInterface": 0,
      "flowDirection": 0, "sourceIPv4Address": "92.43.51.144", "destinationIPv4Address": "8.8.8.8",
      "sourceTransportPort": 9328, "destinationTransportPort": 53, "tcpControlBits": 0,
      "protocolIdentifier": 17, "mobileIMSI": "230005550001234"}`,
  },
  {
    from: 'cdeconinck/ipfix, src/threads/listener.rs: inline flow monitoring of Juniper',
    datagrams: [
      `
      000a0084606c5589dfb2bad200080000000200740100001b00080004000c0004000500010004000100070002000b000200
      200002000a0004003a000200090001000d00010010000400110004000f000400060001000e000400010008000200080034
      000100350001009800080099000800880001003d000100f3000200f5000200360004`,
      `
      000a0048606c55a90001eb6a00080000000300380200000b00010090000400290008002a000800a0000800820004008300
      1000220004002400020025000200d6000100d700010000`,
      `
      000a0050606c55a90001eb6a0008000002000040000000020000000931c326c6000000265b7ecc9b0000014aa2d78528b2
      841020000000000000000000000000000000000000000a000a000a0a110000`,
      `
      000a00be606c55a7ffe5abd500080000010000ae3ed468d10d20db4a0006bcee01bb00000000033d000020150000338900
      00407d2531ec7618000002f900000000000000400000000000000001797900000178a72e6f0000000178a72e6f0002ff00
      00000000000000d5d724b2c146129000061374001900000000033d00001e110000338900003f942531ec9018000002f900
      0000000000005a0000000000000001393900000178a72e6e0000000178a72e6e0002ff0000000000000000`,
    ],
    records: `
      {"sourceIPv4Address": "62.212.104.209", "destinationIPv4Address": "13.32.219.74",
      "ipClassOfService": 0, "protocolIdentifier": 6, "sourceTransportPort": 48366,
      "destinationTransportPort": 443, "icmpTypeCodeIPv4": 0, "ingressInterface": 829, "vlanId": 0,
      "sourceIPv4PrefixLength": 32, "destinationIPv4PrefixLength": 21, "bgpSourceAsNumber": 13193,
      "bgpDestinationAsNumber": 16509, "ipNextHopIPv4Address": "37.49.236.118", "tcpControlBits": 24,
      "egressInterface": 761, "octetDeltaCount": 64, "packetDeltaCount": 1, "minimumTTL": 121,
      "maximumTTL": 121, "flowStartMilliseconds": "2021-04-06T12:35:41.440Z",
      "flowEndMilliseconds": "2021-04-06T12:35:41.440Z", "flowEndReason": 2, "flowDirection": 255,
      "dot1qVlanId": 0, "dot1qCustomerVlanId": 0, "fragmentIdentification": 0},
      {"sourceIPv4Address": "213.215.36.178", "destinationIPv4Address": "193.70.18.144",
      "ipClassOfService": 0, "protocolIdentifier": 6, "sourceTransportPort": 4980,
      "destinationTransportPort": 25, "icmpTypeCodeIPv4": 0, "ingressInterface": 829, "vlanId": 0,
      "sourceIPv4PrefixLength": 30, "destinationIPv4PrefixLength": 17, "bgpSourceAsNumber": 13193,
      "bgpDestinationAsNumber": 16276, "ipNextHopIPv4Address": "37.49.236.144", "tcpControlBits": 24,
      "egressInterface": 761, "octetDeltaCount": 90, "packetDeltaCount": 1, "minimumTTL": 57,
      "maximumTTL": 57, "flowStartMilliseconds": "2021-04-06T12:35:41.184Z",
      "flowEndMilliseconds": "2021-04-06T12:35:41.184Z", "flowEndReason": 2, "flowDirection": 255,
      "dot1qVlanId": 0, "dot1qCustomerVlanId": 0, "fragmentIdentification": 0}`,
    options: `
      {"exportingProcessId": 2, "exportedMessageTotalCount": 39489578694,
      "exportedFlowRecordTotalCount": 164743793819,
      "systemInitTimeMilliseconds": "2015-01-01T00:14:01.000Z", "exporterIPv4Address": "178.132.16.32",
      "exporterIPv6Address": "::", "samplingInterval": 10, "flowActiveTimeout": 10,
      "flowIdleTimeout": 10, "exportProtocolVersion": 10, "exportTransportProtocol": 17}`,
  },
  {
    from: 'redBorder/f2k, tests/0014: an element four times in a record',
    datagrams: [
      `
      000a007452695ddd000004380000010000020064010d001300080004000c0004003c00010004000100070002000b000200
      88000100ef00010030000101180008005f0004afcbffff00000009afcbffff00000009afcbffff00000009afcbffff0000
      000900010008000200040016000400150004`,
      `
      000a00ee52695ddd0000043800000100010d00de0a0d7a2c42dc98130406d5b901bb0301008f63f3400001000003000050
      340300005034012f70726f66696c65732f70726f66696c655f31323334353637375f373573715f31313233343536373832
      2e6a70671d030000503402696d616765732e616b2e696e7374616772616d2e636f6d4e030000503403496e737461677261
      6d20342e322e3320286950686f6e65352c313b206950686f6e65204f5320375f305f323b20656e5f55533b20656e292041
      70706c655765624b69742f3432302b060300005034040000000000000ab80000001f0fed0ac00fee1800`,
    ],
    records: `
      {"sourceIPv4Address": "10.13.122.44", "destinationIPv4Address": "66.220.152.19", "ipVersion": 4,
      "protocolIdentifier": 6, "sourceTransportPort": 54713, "destinationTransportPort": 443,
      "flowEndReason": 3, "biflowDirection": 1, "samplerId": 0,
      "connectionTransactionId": "10332369426321571840", "applicationId": "03000050",
      "ciscoAppHTTPHost": ["0300005034012f70726f66696c65732f70726f66696c655f31323334353637375f373573715f313132333435363738322e6a7067","030000503402696d616765732e616b2e696e7374616772616d2e636f6d","030000503403496e7374616772616d20342e322e3320286950686f6e65352c313b206950686f6e65204f5320375f305f323b20656e5f55533b20656e29204170706c655765624b69742f3432302b","030000503404"],
      "octetDeltaCount": 2744, "packetDeltaCount": 31, "flowStartSysUpTime": 267193024,
      "flowEndSysUpTime": 267261952}`,
  },
  {
    from: 'a fork of node-netflowv9, its mocha test: Ixia, with empty subTemplateLists',
    datagrams: [
      `
      000a04c663c196a602a4dda200000000000201940100003a00010008000200080004000100060001000700020008000400
      0a0004000b0002000c0004000e0004001000040011000400200002802000020000727900880001009800080099000801ce
      ffff806e000400000bee806fffff00000bee8078000400000bee8079ffff00000bee807a000400000bee807bffff00000b
      ee807dffff00000bee807e000400000bee807f000400000bee808c000400000bee808dffff00000bee808e000400000bee
      808fffff00000bee8091ffff00000bee8092000400000bee8093000400000bee80a0000100000bee80a1ffff00000bee80
      a2000100000bee80a3ffff00000bee80b0000800000bee80b1000800000bee80b2ffff00000bee80b3ffff00000bee80b4
      000200000bee80b6ffff00000bee80b7ffff00000bee80b8ffff00000bee80b9ffff00000bee80bc000400000bee80bdff
      ff00000bee80beffff00000bee80bfffff00000bee80c3ffff00000bee80c5ffff00000bee80ca000600000bee80cb0006
      00000bee80ccffff00000bee80cf000400000bee80d0ffff00000bee000201940101003a00010008000200080004000100
      06000100070002000a0004000b0002000e00040010000400110004001b0010001c001000880001008b0002808b00020000
      7279009800080099000801ceffff806e000400000bee806fffff00000bee8078000400000bee8079ffff00000bee807a00
      0400000bee807bffff00000bee807dffff00000bee807e000400000bee807f000400000bee808c000400000bee808dffff
      00000bee808e000400000bee808fffff00000bee8091ffff00000bee8092000400000bee8093000400000bee80a0000100
      000bee80a1ffff00000bee80a2000100000bee80a3ffff00000bee80b0000800000bee80b1000800000bee80b2ffff0000
      0bee80b3ffff00000bee80b4000200000bee80b6ffff00000bee80b7ffff00000bee80b8ffff00000bee80b9ffff00000b
      ee80bc000400000bee80bdffff00000bee80beffff00000bee80bfffff00000bee80c3ffff00000bee80c5ffff00000bee
      80ca000600000bee80cb000600000bee80ccffff00000bee80cf000400000bee80d0ffff00000bee000200240102000500
      55000801c9000201cbffff80b8ffff00000bee80c4000400000bee000200200103000380c6ffff00000bee80c700040000
      0bee80c8001000000bee000200180104000280cd000800000bee80ce000100000bee0003001e010500050001015a000401
      2f000201530001015800010155ffff01000114000000000000009a00000000000000021100c7f30a148285000000010035
      0a09b433000000010000000000000000000000000100000185ac34506b00000185ac34506b000000000106646f6d61696e
      5f5000000a507269766174652d4950000000000831302e2a2e2a2e2a07756e6b6e6f776e00000000000000005f5000000a
      507269766174652d4950000000000831302e2a2e2a2e2a07756e6b6e6f776e00000000000000000007756e6b6e6f776e00
      012d00000000000000f6000000000000000209436c65617274657874046e6f6e65000000000000000000ff126465627567
      2e6f70656e646e732e636f6d2e0002494e0303010203030103000000000000000000000000030301040000000000`,
    ],
    records: `
      {"octetDeltaCount": 154, "packetDeltaCount": 2, "protocolIdentifier": 17, "tcpControlBits": 0,
      "sourceTransportPort": 51187, "sourceIPv4Address": "10.20.130.133", "ingressInterface": 1,
      "destinationTransportPort": 53, "destinationIPv4Address": "10.9.180.51", "egressInterface": 1,
      "bgpSourceAsNumber": 0, "bgpDestinationAsNumber": 0, "icmpTypeCodeIPv4": 0,
      "reverseIcmpTypeCodeIPv4": 0, "flowEndReason": 1,
      "flowStartMilliseconds": "2023-01-13T17:36:27.755Z",
      "flowEndMilliseconds": "2023-01-13T17:36:27.755Z", "httpMessageVersion": "", "ixiaL7AppId": 1,
      "ixiaL7AppName": "domain", "ixiaSrcCountryCode": "_P", "ixiaSrcCountryName": "Private-IP",
      "ixiaSrcRegionCode": "", "ixiaSrcRegionName": "10.*.*.*", "ixiaSrcCityName": "unknown",
      "ixiaSrcLatitude": 0, "ixiaSrcLongitude": 0, "ixiaDstCountryCode": "_P",
      "ixiaDstCountryName": "Private-IP", "ixiaDstRegionCode": "", "ixiaDstRegionName": "10.*.*.*",
      "ixiaDstCityName": "unknown", "ixiaDstLatitude": 0, "ixiaDstLongitude": 0, "ixiaDeviceId": 0,
      "ixiaDeviceName": "unknown", "ixiaBrowserId": 0, "ixiaBrowserName": "-",
      "ixiaRevOctetDeltaCount": 246, "ixiaRevPacketDeltaCount": 2, "ixiaEncryptType": "Cleartext",
      "ixiaEncryptCipher": "none", "ixiaEncryptKeyLength": 0, "ixiaHttpUserAgent": "",
      "ixiaHttpHostName": "", "ixiaHttpUri": "", "ixiaDnsRecordTxt": "", "ixiaLatency": 255,
      "ixiaDnsQuery": "debug.opendns.com.", "ixiaDnsAnswer": "", "ixiaDnsClasses": "IN",
      "ixiaHttpSession": {"semantic":"allOf","templateId":258,"records":[]},
      "ixiaDnsRecord": {"semantic":"allOf","templateId":259,"records":[]},
      "ixiaDhcpClientId": "000000000000", "ixiaDhcpClientMac": "00:00:00:00:00:00",
      "ixiaDhcpMessages": {"semantic":"allOf","templateId":260,"records":[]},
      "ixiaDhcpLeaseDuration": 0, "ixiaDhcpServerName": ""}`,
  },
  {
    from: 'elastic/beats, x-pack/filebeat/input/netflow/decoder/v7/v7_test.go: v7',
    datagrams: [
      `
      00070002000000015bf68d8b35fcb9780000000000000000acd910e5c0a8017b00000000000000000000000e00002cfaff
      e8086cffe80f6201bbd711001806000000000000004411ffffffffc0a8017bacd910e50000000000000000000000070000
      0c5bffe8086cffe80f62d71101bb001806000000000000003322fffefdfc`,
    ],
    records: `
      {"sourceIPv4Address": "172.217.16.229", "destinationIPv4Address": "192.168.1.123",
      "ipNextHopIPv4Address": "0.0.0.0", "ingressInterface": 0, "egressInterface": 0,
      "packetDeltaCount": 14, "octetDeltaCount": 11514, "flowStartSysUpTime": 4293396588,
      "flowEndSysUpTime": 4293398370, "sourceTransportPort": 443, "destinationTransportPort": 55057,
      "v7Flags": 0, "tcpControlBits": 24, "protocolIdentifier": 6, "ipClassOfService": 0,
      "bgpSourceAsNumber": 0, "bgpDestinationAsNumber": 0, "sourceIPv4PrefixLength": 0,
      "destinationIPv4PrefixLength": 0, "v7FlagsExtended": 17425, "ipv4RouterSc": "255.255.255.255"},
      {"sourceIPv4Address": "192.168.1.123", "destinationIPv4Address": "172.217.16.229",
      "ipNextHopIPv4Address": "0.0.0.0", "ingressInterface": 0, "egressInterface": 0,
      "packetDeltaCount": 7, "octetDeltaCount": 3163, "flowStartSysUpTime": 4293396588,
      "flowEndSysUpTime": 4293398370, "sourceTransportPort": 55057, "destinationTransportPort": 443,
      "v7Flags": 0, "tcpControlBits": 24, "protocolIdentifier": 6, "ipClassOfService": 0,
      "bgpSourceAsNumber": 0, "bgpDestinationAsNumber": 0, "sourceIPv4PrefixLength": 0,
      "destinationIPv4PrefixLength": 0, "v7FlagsExtended": 13090, "ipv4RouterSc": "255.254.253.252"}`,
  },
  {
    from: 'Fennec.Tests.Parsers, NetFlow9ParserTests.cs: data in front of its template',
    datagrams: [
      `
      00090002005a048f64d1253b00000068000000020103005100000000000000000000000000000000000000000000000000
      00000000000000330bc031c0a8009601bbd62d060000000100598980005989800000296900000000000000400000000000
      0000010000003c0103000d001b0010001c001000080004000c000400070002000b00020004000100300004001600040015
      0004000a00040001000800020008`,
    ],
    records: `
      {"sourceIPv6Address": "::", "destinationIPv6Address": "::", "sourceIPv4Address": "51.11.192.49",
      "destinationIPv4Address": "192.168.0.150", "sourceTransportPort": 443,
      "destinationTransportPort": 54829, "protocolIdentifier": 6, "samplerId": 1,
      "flowStartSysUpTime": 5867904, "flowEndSysUpTime": 5867904, "ingressInterface": 10601,
      "octetDeltaCount": 64, "packetDeltaCount": 1}`,
    missing: [259],
  },
  {
    from: 'mikemiles-dev/netflow_parser, src/tests.rs: a flow label of three octets',
    datagrams: [
      `
      0009000400a21e176658cb4600000155000000080000004c0102001100080004000c0004000f000400070002000b000200
      0a0002000e000200fc000400fd000400020004000100040016000400150004000400010005000101000002003d00010000
      00540103001300080004000c0004000f000400070002000b000200060001000a0002000e000200fc000400fd0004000200
      04000100040016000400150004000400010005000100d1000801000002003d00010000005401050013001b0010001c0010
      003e001000070002000b000200060001000a0002000e000200fc000400fd00040002000400010004001600040015000400
      040001000500010050000601000002003d00010000005801060014001b0010001c0010003e0010001f000300070002000b
      000200060001000a0002000e000200fc000400fd0004000200040001000400160004001500040004000100050001005000
      0601000002003d0001`,
      `
      0009000200a3a50e6658cbab000001640000000801020066c0a8120a8d180c0200000000c2c00035000200000000000000
      000000000000010000005200a31e7700a31e771100080001c0a8120a8d180c02000000009e230035000200000000000000
      000000000000010000005200a3197b00a3197b110008000101060063fd010008000000002a20235f1f7b9379fd00000000
      000000b2f208fffe2011800000000000000000000000000000000001f676e2b50035000002000000000000000000000000
      00010000006600a3197b00a3197b1100109027e0436d86dd01`,
    ],
    records: `
      {"sourceIPv4Address": "192.168.18.10", "destinationIPv4Address": "141.24.12.2",
      "ipNextHopIPv4Address": "0.0.0.0", "sourceTransportPort": 49856, "destinationTransportPort": 53,
      "ingressInterface": 2, "egressInterface": 0, "ingressPhysicalInterface": 0,
      "egressPhysicalInterface": 0, "packetDeltaCount": 1, "octetDeltaCount": 82,
      "flowStartSysUpTime": 10690167, "flowEndSysUpTime": 10690167, "protocolIdentifier": 17,
      "ipClassOfService": 0, "ethernetType": 2048, "flowDirection": 1},
      {"sourceIPv4Address": "192.168.18.10", "destinationIPv4Address": "141.24.12.2",
      "ipNextHopIPv4Address": "0.0.0.0", "sourceTransportPort": 40483, "destinationTransportPort": 53,
      "ingressInterface": 2, "egressInterface": 0, "ingressPhysicalInterface": 0,
      "egressPhysicalInterface": 0, "packetDeltaCount": 1, "octetDeltaCount": 82,
      "flowStartSysUpTime": 10688891, "flowEndSysUpTime": 10688891, "protocolIdentifier": 17,
      "ipClassOfService": 0, "ethernetType": 2048, "flowDirection": 1},
      {"sourceIPv6Address": "fd01:8::2a20:235f:1f7b:9379",
      "destinationIPv6Address": "fd00::b2f2:8ff:fe20:1180", "ipNextHopIPv6Address": "::",
      "flowLabelIPv6": 128630, "sourceTransportPort": 58037, "destinationTransportPort": 53,
      "tcpControlBits": 0, "ingressInterface": 2, "egressInterface": 0, "ingressPhysicalInterface": 0,
      "egressPhysicalInterface": 0, "packetDeltaCount": 1, "octetDeltaCount": 102,
      "flowStartSysUpTime": 10688891, "flowEndSysUpTime": 10688891, "protocolIdentifier": 17,
      "ipClassOfService": 0, "destinationMacAddress": "10:90:27:e0:43:6d", "ethernetType": 34525,
      "flowDirection": 1}`,
  },
  {
    from: 'OpenDaylight TSDR, NetflowV9PacketParserTest.java: data',
    datagrams: [
      `
      000900051142b6852935722c000000a8000000140000002c01000003000400010007000200170004010100050008000401
      f4000200520005003e00100050000601000014110017002b99a70a09f7004e631f0000`,
      `
      000900051142b68c29357234000000a80000001401010026a000002000634645312f30000102030405060708090a0b0c0d
      0e0f0a0b0c0d120400`,
    ],
    records: `
      {"protocolIdentifier": 17, "sourceTransportPort": 23, "postOctetDeltaCount": 2857383},
      {"protocolIdentifier": 10, "sourceTransportPort": 2551, "postOctetDeltaCount": 5137183},
      {"sourceIPv4Address": "160.0.0.32", "srhIPv6ActiveSegmentType": 99, "interfaceName": "FE1/0",
      "ipNextHopIPv6Address": "1:203:405:607:809:a0b:c0d:e0f",
      "destinationMacAddress": "0a:0b:0c:0d:12:04"}`,
  },
  {
    from: 'OpenDaylight TSDR, NetflowV9PacketParserTest.java: options',
    datagrams: [
      `
      000900031638ed3122bc05cd000000220000000c000100180102000400080003000200290002002a000200000001001a01
      0300080008000100040002000200290004002a0002010300100000000500070000007b0def`,
      `
      000900011638ed3222bc05ce000000230000000c010200100001015927d9000202b24fb2`,
    ],
    options: `
      {"scopeSystem": 5, "scopeInterface": 7, "exportedMessageTotalCount": 123,
      "exportedFlowRecordTotalCount": 3567}, {"scopeLineCard": 1, "exportedMessageTotalCount": 345,
      "exportedFlowRecordTotalCount": 10201}, {"scopeLineCard": 2, "exportedMessageTotalCount": 690,
      "exportedFlowRecordTotalCount": 20402}`,
  },
];

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part)));

for (const { from, datagrams, records = '', options = '', ...rest } of VECTORS)
  test(from, () => {
    const decoder = decoderOf();
    const source = { address: '192.0.2.1', port: 2055, receivedAtMs: 0 };
    const results = datagrams.map((datagram) => decoder.decode(hex(datagram), source));
    const fields = (kind: 'records' | 'optionsRecords') =>
      plain(results.flatMap((result) => result[kind].map((record) => record.fields)));
    assert.deepEqual(fields('records'), JSON.parse(`[${records}]`));
    assert.deepEqual(fields('optionsRecords'), JSON.parse(`[${options}]`));
    const faults = results.flatMap((result) => result.faults.map(({ code }) => code));
    const missing = results.flatMap((result) => result.missing.map(({ templateId }) => templateId));
    const refused = results
      .flatMap(({ templates }) => templates)
      .filter(({ action }) => action === 'refused')
      .map(({ templateId }) => templateId);
    assert.deepEqual({ faults, missing, refused }, { faults: [], missing: [], refused: [], ...rest });
  });
