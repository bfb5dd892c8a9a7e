/** A report in perf-reports/: `<date>-<lane>-<topic>.json` with everything, and a Markdown page of the same name for people. */
export interface Report {
  /** Short, kebab-case: micro, pipeline, peers, soak … */
  topic: string;
  title: string;
  /** One paragraph: what was asked, and how it was measured. */
  question: string;
  method: string;
  /** The command that repeats it. */
  command: string;
  tables: ReportTable[];
  plots: ReportPlot[];
  /** What the numbers say, negative results among it. One paragraph each. */
  findings: string[];
  /** Everything measured, for machines. */
  data: unknown;
}

export interface ReportTable {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

/** A line plot; written as an SVG file beside the page. */
export interface ReportPlot {
  name: string;
  title: string;
  xLabel: string;
  yLabel: string;
  series: { name: string; points: [number, number][] }[];
}

/** What the machine is: the lane of a report. Lanes are never compared with each other. */
export interface Machine {
  /** cpu model, cores and node major in kebab-case, e.g. `xeon-2.60ghz-2c-node20`; no host name. */
  lane: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  commit: string;
}
