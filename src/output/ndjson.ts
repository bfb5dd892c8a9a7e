import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putHex, putInteger, putIpv4, putIpv6, putMac, putU32, putU64, SLACK_BYTES } from './ascii.ts';
import type { ByteWriter } from './byte-writer.ts';
import { NOT_ISO, putIsoMicros, putIsoMillis, putIsoNanos, putIsoSeconds } from './iso-time.ts';
import type { ListReader } from './list-reader.ts';
import { Kind, type Op, OpTable } from './op.ts';
import { MAX_JSON_EXPANSION, putJsonText, textLength } from './utf8.ts';

/**
 * Rows of one plan as lines of JSON. What is the same for all rows of a set is written once and copied; keys are copied in
 * words; values go from the columns to ASCII without a string in between.
 */
