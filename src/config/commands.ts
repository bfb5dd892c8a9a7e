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
  /** Each with a line that says what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
}

export const COMMANDS = {
  collect: {
    summary: 'receive flows over UDP and write them',
    description:
      'Receives NetFlow v5, v7, v9 and IPFIX over UDP and writes the flows. Stops on SIGINT or SIGTERM when all that ' +
      'was received is written, and prints the ledger; SIGHUP starts new files.',
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
  decode: {
    summary: 'decode recorded datagrams',
    description:
      'Decodes the flow export in pcap, pcapng and .dgrams files (also gzip-compressed) and writes the flows in the order ' +
      'of the input. Several files share what was learned of templates. Templates do not expire. Files that --format ' +
      'columnar has written are turned into other formats.',
    argument: { syntax: 'file', several: true, help: 'files to decode; - is standard input' },
    examples: [
      { line: 'millrace decode capture.pcap', does: 'shows the flows of a capture' },
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
      'Sends the UDP payloads of a pcap, pcapng or .dgrams file in their recorded distances. Files without times are sent ' +
      'as fast as possible unless --rate is given.',
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
    summary: 'take apart what a collector works with',
    description:
      'inspect plan FILE: prints the code that is made for each record layout defined in a capture, with its fields.',
    argument: {
      syntax: 'plan|file',
      several: true,
      help: 'what to show, and of which file; - is standard input',
    },
    examples: [
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
    argument: { syntax: 'filter', several: false, optional: true, help: 'which flows to show' },
    examples: [
      { line: 'millrace tail --limit 10 | jq .', does: 'ten flows' },
      { line: 'millrace tail --sample 100', does: 'one of a hundred' },
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
