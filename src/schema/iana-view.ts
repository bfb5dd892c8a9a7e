import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { Plan } from '../decode/plan.ts';
import { HeaderValue, RowValue } from './values.ts';
import type { RecordView } from './view.ts';

/** The lossless record: every field as decoded under its own name, a repeated element as an array. */
export class IanaView implements RecordView {
  readonly schema = 'iana';
  readonly group = 'fields';
  readonly groupAlways = true;
  readonly headers: readonly HeaderValue[];
  readonly values: readonly RowValue[] = [];
  readonly grouped: readonly RowValue[];
  readonly #exporter = new HeaderValue('exporter', 'address');
  readonly #exporterPort = new HeaderValue('exporterPort', 'number');
  readonly #version = new HeaderValue('version', 'number');
  readonly #domain = new HeaderValue('observationDomainId', 'number');
  readonly #templateId = new HeaderValue('templateId', 'number');
  readonly #exportTime = new HeaderValue('exportTimeMs', 'number');
  readonly #kind = new HeaderValue('kind', 'word', ['data', 'options']);

  constructor(plan: Plan) {
    this.headers = [
      this.#exporter,
      this.#exporterPort,
      this.#version,
      this.#domain,
      this.#templateId,
      this.#exportTime,
      this.#kind,
    ];
    this.grouped = plan.fields.map((field) => RowValue.decoded(field.key, plan, field.columns));
  }

  bind(batch: FlowBatch): void {
    for (const value of this.grouped) value.bind(batch);
  }

  header(set: SetContext): void {
    this.#exporter.bytes = set.exporter;
    this.#exporter.offset = set.exporterOffset;
    this.#exporterPort.number = set.exporterPort;
    this.#version.number = set.version;
    this.#domain.number = set.observationDomainId;
    this.#templateId.number = set.templateId;
    this.#exportTime.number = Math.floor(set.exportTimeMs);
    this.#kind.number = set.options ? 1 : 0;
  }
}
