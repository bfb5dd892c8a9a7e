/** The commands: their names, arguments and help. Their options are in options.ts. */
export interface CommandSpec {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly description: string;
  /** Arguments that are not options; a trailing `...` allows several. */
  readonly argument?: {
    readonly syntax: string;
    readonly several: boolean;
    readonly optional?: boolean;
    readonly help: string;
  };
  /** Another command that this one has the options of. */
  readonly optionsOf?: 'collect';
  /** Each with a line that says what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
}

export const COMMANDS = {
  collect: {
    summary: 'receive flows over UDP and write them',
    description:
      'Receives NetFlow v5, v7, v9 and IPFIX over UDP and writes the flows. Stops on SIGINT or SIGTERM when all that ' +
      'was received is written, and prints the ledger; SIGHUP starts new files and reads the configuration again.',
    examples: [
      { line: 'millrace collect', does: 'shows flows that arrive on port 2055' },
      {
        line: "millrace collect --output 'file:///var/flows/%Y%m%d-%H.ndjson?rotate=1h&compress=gzip'",
        does: 'one compressed file per hour',
      },
      {
        line: 'millrace collect --listen netflow://0.0.0.0:9995 --workers 4 --allow 10.0.0.0/8 | jq .',
        does: 'IPv4 only, four decode threads, known senders, flows to another program',
      },
    ],
  },
  check: {
    summary: 'try the options of collect without starting it',
    description:
      'Takes the options of collect, from the file, the environment and flags, and tries what they name: ports, outputs, ' +
      'directories, files. One line for each; the exit code is 0 when collect would start.',
    optionsOf: 'collect',
    examples: [
      { line: 'millrace check', does: 'is /etc/millrace/millrace.yaml good?' },
      {
        line: 'millrace check --config millrace.yaml --dump-config',
        does: 'every option, and where its value comes from',
      },
      {
        line: 'millrace check --listen netflow://127.0.0.1:0',
        does: 'everything but the ports, while a collector has them',
      },
    ],
  },
  decode: {
    summary: 'decode recorded datagrams',
    description:
      'Decodes the flow export in pcap, pcapng, .dgrams and IPFIX files (also gzip-compressed) and writes the flows in the ' +
      'order of the input. Several files share what was learned of templates. Templates do not expire. Files that --format ' +
      'columnar has written are turned into other formats.',
    argument: { syntax: 'file', several: true, help: 'files to decode; - is standard input' },
    examples: [
      { line: 'millrace decode capture.pcap', does: 'shows the flows of a capture' },
      {
        line: "millrace decode capture.pcap --filter 'proto udp and port 53'",
        does: 'some of them',
      },
      {
        line: 'tcpdump -w - udp port 2055 | millrace decode - --schema iana > flows.ndjson',
        does: 'every field by its IANA name',
      },
      {
        line: 'millrace decode --from columnar flows.mrc --format ndjson',
        does: 'flows that --format columnar has written',
      },
    ],
  },
  replay: {
    summary: 'send recorded datagrams to a collector',
    description:
      'Sends the UDP payloads of a pcap, pcapng, .dgrams or IPFIX file in their recorded distances. Files without times are ' +
      'sent as fast as possible unless --rate is given.',
    argument: { syntax: 'file', several: false, help: 'file to send' },
    examples: [
      {
        line: 'millrace replay capture.pcap --to 127.0.0.1:2055 --speed 10',
        does: 'ten times as fast as recorded',
      },
      { line: 'millrace replay flows.dgrams --to 127.0.0.1:2055 --rate 5000 --loop 0', does: 'for ever' },
    ],
  },
  generate: {
    summary: 'simulate exporters',
    description:
      'Simulates exporters of NetFlow v5, v7, v9 or IPFIX and sends their datagrams, or writes them to a file.',
    examples: [
      {
        line: 'millrace generate --to 127.0.0.1:2055 --version 10 --exporters 5 --rate 2000',
        does: 'five IPFIX exporters',
      },
      { line: 'millrace generate --output test.dgrams --count 1000 --loss 1%', does: 'a file for tests' },
    ],
  },
  inspect: {
    summary: 'take datagrams apart',
    description:
      'Shows what is in datagrams, byte by byte: message headers, sets, templates, records with the name, the offset (hexadecimal) ' +
      'and the value of each field, and where something is wrong. Reads pcap, pcapng, .dgrams and IPFIX files, those of a quarantine ' +
      'among them, and a file that is a single datagram. inspect plan FILE prints the code that is made for each record layout ' +
      'defined in a capture.',
    argument: {
      syntax: 'file',
      several: true,
      help: 'the file, - is standard input; or plan and the file',
    },
    examples: [
      { line: 'millrace inspect capture.pcap', does: 'the first datagrams of a capture' },
      {
        line: 'millrace inspect quarantine/quarantine-1.dgrams --hex',
        does: 'a datagram that was set aside, with its octets',
      },
      { line: 'millrace inspect plan capture.pcap', does: 'how the layouts of a capture are decoded' },
    ],
  },
  top: {
    summary: 'watch a running collector',
    description:
      'Shows exporters, rates, loss, workers and ring of a running collector, from its HTTP side, and goes on until q is ' +
      'pressed. Where standard output is no terminal, it prints once and ends.',
    examples: [
      { line: 'millrace top', does: 'the collector on this machine' },
      {
        line: 'millrace top --url http://192.0.2.10:8080 --http-token-file token',
        does: 'another one, which asks for its token',
      },
    ],
  },
  tail: {
    summary: 'watch the flows of a running collector',
    description:
      'Writes the flows of a running collector as they are decoded, one JSON object per line. What is too much to be shown ' +
      'is left out, and said on standard error.',
    argument: {
      syntax: 'filter',
      several: false,
      optional: true,
      help: "which flows to show, such as 'proto tcp and dst port 443' (docs/filter.md)",
    },
    examples: [
      { line: 'millrace tail --limit 10 | jq .', does: 'ten flows' },
      { line: "millrace tail 'dst port 443' --sample 100", does: 'one of a hundred of some' },
    ],
  },
  doctor: {
    summary: 'look at the machine on which a collector is to run',
    description:
      'Looks at what a collector with the options of the file, the environment and flags needs of this machine: free ports, ' +
      'socket buffers, what the kernel has dropped so far, cores, the clock, container networks, disk space; and says how ' +
      'to put right what is wrong. Exit code: 0 fine, 1 warnings, 2 errors.',
    examples: [
      { line: 'millrace doctor', does: 'before the first start' },
      {
        line: 'millrace doctor --listen netflow://[::]:9995 --recv-buffer 64MiB --json',
        does: 'for a collector with these options, for a program',
      },
    ],
  },
  templates: {
    summary: 'look at the template store, and change it',
    description:
      'list; show SCOPE [ID]; diff SCOPE ID OTHER, where OTHER is another store or an exported file; withdraw SCOPE ID; ' +
      'clear SCOPE [data|options|all]; export FILE and import FILE. list, show, diff and export only read, and can be used ' +
      'beside a collector; a file store can be changed while no collector has it.',
    argument: {
      syntax: 'action',
      several: true,
      help: 'what to do, and with what; - is standard input or output',
    },
    examples: [
      { line: 'millrace templates list --exporter 192.0.2.1', does: 'what is known of one exporter' },
      {
        line: 'millrace templates show ipfix/192.0.2.1/0/7 256 --templates redis://localhost?fleet=lab',
        does: 'one template with its fields',
      },
      { line: 'millrace templates export - > templates.jsonl', does: 'everything, one JSON object per line' },
    ],
  },
  log: {
    summary: 'read the log of a fleet',
    description:
      'tail [N]: the last entries, 20 unless told; show INDEX: one entry; verify: checks order, hash chain and checksums of ' +
      'the log, and its content against the store.',
    argument: { syntax: 'action', several: true, help: 'what to do, and with what' },
    examples: [
      { line: 'millrace log tail 50 --templates redis://localhost?fleet=lab', does: 'who has learned what' },
      { line: 'millrace log verify --templates redis://localhost?fleet=lab', does: 'is the log sound?' },
    ],
  },
  demo: {
    summary: 'collector and simulated exporters in one terminal',
    description:
      'Starts a collector on a free loopback port and a handful of simulated exporters that send to it, and shows the flows. ' +
      'Ctrl-C ends it and prints the ledger.',
    examples: [{ line: 'millrace demo', does: 'watch flows' }],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];
