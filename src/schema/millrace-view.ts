import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { Plan } from '../decode/plan.ts';
import { AddressPair, EtypeRule, NumberPair } from './address-pair.ts';
import { IcmpRule } from './icmp.ts';
import { ApplicationNameRule, NAME_FIELDS, NameRule } from './names.ts';
import { appendApplicationId, appendRouteDistinguisher, LabelsRule, OctetsText } from './octets.ts';
import { PlanColumns, type Rule } from './plan-columns.ts';
import { EXTENSION_KEY, FLOW_TYPES, RECORD, type RecordField } from './record.ts';
import { SamplingRule } from './sampling.ts';
import type { Scratch } from './scratch.ts';
import { type StateLookup, StateOfSet } from './state-source.ts';
import { TimeRule } from './time.ts';
import { HeaderValue, RowValue } from './values.ts';
import type { RecordView } from './view.ts';

/** Position in FLOW_TYPES of a message version. */
const FLOW_TYPE_OF_VERSION: Readonly<Record<number, number>> = {
  5: FLOW_TYPES.indexOf('netflow_v5'),
  7: FLOW_TYPES.indexOf('netflow_v7'),
  9: FLOW_TYPES.indexOf('netflow_v9'),
  10: FLOW_TYPES.indexOf('ipfix'),
};

/** The native record of record.ts, made of the columns of one plan. */
export class MillraceView implements RecordView {
  readonly schema = 'millrace';
  readonly group = EXTENSION_KEY;
  readonly groupAlways = false;
  readonly headers: readonly HeaderValue[];
  readonly values: readonly RowValue[];
  readonly grouped: readonly RowValue[];
  readonly #header: Readonly<Record<string, HeaderValue>>;
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  readonly #time: TimeRule;
  readonly #rules: readonly Rule[];
  /** Values that no rule binds, because they are columns as decoded. */
  readonly #decoded: readonly RowValue[];
  /** Computed values whose bytes are in the scratch text. */
  readonly #texts: readonly RowValue[];

  /** wanted: keys of the values that are computed, for whoever needs only some; the others are not to be read. */
  constructor(plan: Plan, scratch: Scratch, stateAt: StateLookup, wanted?: ReadonlySet<string>) {
    this.#scratch = scratch;
    this.#states = new StateOfSet(stateAt);
    this.headers = RECORD.filter((field) => field.rule === 'header').map(headerValue);
    this.#header = Object.fromEntries(this.headers.map((value) => [value.key, value]));

    const columns = new PlanColumns(plan);
    this.#time = new TimeRule(columns, scratch, this.#states);
    const rules = [this.#time, ...rulesOf(columns, scratch, this.#states)];
    this.#rules = wanted === undefined ? rules : rules.filter(whichMake(wanted));
    const computed = new Map(rules.flatMap((rule) => rule.values).map((value) => [value.key, value]));
    const direct = new Map<string, RowValue>();
    for (const field of RECORD) {
      if (field.rule !== 'direct') continue;
      const position = columns.take(columns.first(field.elements!, field.type));
      if (position >= 0) direct.set(field.key, RowValue.decoded(field.key, plan, [position]));
    }
    this.values = RECORD.map((field) => direct.get(field.key) ?? computed.get(field.key)).filter(
      (value) => value !== undefined,
    );
    this.grouped = columns.rest();
    this.#decoded = [...direct.values(), ...this.grouped];
    this.#texts = [...computed.values()].filter(
      ({ columns: [column] }) => column.storage === 'heap' && column.position < 0,
    );
  }

  /** Records whose flow times were outside of the window and were replaced by the export time, since the view was made. */
  get timeFallbacks(): number {
    return this.#time.fallbacks;
  }

  bind(batch: FlowBatch): void {
    this.#scratch.begin();
    this.#states.reset();
    for (const value of this.#decoded) value.bind(batch);
    for (const rule of this.#rules) rule.bind(batch);
    for (const value of this.#texts) value.heap = this.#scratch.text;
  }

  header(set: SetContext): void {
    const header = this.#header;
    header.flow_type.number = FLOW_TYPE_OF_VERSION[set.version] ?? 0;
    header.record.present = set.options;
    header.time_received.number = Math.floor(set.receivedAtMs);
    header.time_exported.number = Math.floor(set.exportTimeMs);
    header.exporter_addr.bytes = set.exporter;
    header.exporter_addr.offset = set.exporterOffset;
    header.exporter_port.number = set.exporterPort;
    header.observation_domain_id.number = set.observationDomainId;
    header.template_id.number = set.templateId;
    header.template_id.present = set.templateId !== 0;
    header.sequence.number = set.sequence;
  }
}

function headerValue({ key, type, words }: RecordField): HeaderValue {
  return new HeaderValue(
    key,
    type === 'time' || type === 'word' || type === 'address' ? type : 'number',
    words,
  );
}

/** Whether a rule makes a value that is wanted, or that another one is decided by. */
function whichMake(wanted: ReadonlySet<string>): (rule: Rule) => boolean {
  const needed = new Set(wanted);
  if (wanted.has('etype')) needed.add('src_addr').add('dst_addr');
  for (const { key, decidedBy } of RECORD)
    if (decidedBy !== undefined && wanted.has(key)) needed.add(decidedBy);
  return ({ values }) => values.some(({ key }) => needed.has(key));
}

/** All rules but that of time, each before those that use what it computes. */
function rulesOf(columns: PlanColumns, scratch: Scratch, states: StateOfSet): Rule[] {
  const pairs = new Map<string, AddressPair>();
  const numbers: Rule[] = [];
  for (const field of RECORD) {
    if (field.rule !== 'pair') continue;
    if (field.decidedBy === undefined) pairs.set(field.key, new AddressPair(field, columns, scratch));
    else numbers.push(new NumberPair(field, columns, scratch, pairs.get(field.decidedBy)!));
  }
  const source = pairs.get('src_addr')!;
  const family = source.families === 'none' ? pairs.get('dst_addr')! : source;
  return [
    ...pairs.values(),
    ...numbers,
    new EtypeRule(columns, scratch, family),
    new SamplingRule(columns, scratch, states),
    new IcmpRule(columns, scratch),
    new LabelsRule(columns, scratch),
    new OctetsText('app_id', 95, appendApplicationId, columns, scratch),
    new ApplicationNameRule(columns, scratch, states),
    new OctetsText('vpn_rd', 90, appendRouteDistinguisher, columns, scratch),
    ...NAME_FIELDS.map((field) => new NameRule(field, columns, scratch, states)),
  ];
}
