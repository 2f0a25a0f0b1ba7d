// Arrow streams by arrow-js; what is shown is what streams.py shows, so that a diff compares the two.
//
//   node streams.js write   one plain stream to stdout
//   node streams.js show    every stream on stdin, one after the other on the one pipe
//
// LK_INTEROP_ARROW_JS says where its packages are.
const arrow = require(process.env.LK_INTEROP_ARROW_JS + '/node_modules/apache-arrow');
const { Type } = arrow;

function typeName(type) {
	switch (type.typeId) {
	case Type.Dictionary: return typeName(type.dictionary);
	case Type.Bool: return 'bool';
	case Type.Int: return (type.isSigned ? 'int' : 'uint') + type.bitWidth;
	case Type.Float: return ['halffloat', 'float', 'double'][type.precision];
	case Type.Decimal: return `decimal(${type.precision},${type.scale})`;
	case Type.Utf8: case Type.LargeUtf8: return 'utf8';
	case Type.Binary: case Type.LargeBinary: return 'binary';
	case Type.Date: return type.unit === 0 ? 'date32' : 'date64';
	case Type.Time: return `time${type.bitWidth}[${['s', 'ms', 'us', 'ns'][type.unit]}]`;
	case Type.Timestamp: return `timestamp[${['s', 'ms', 'us', 'ns'][type.unit]}${type.timezone ? ', ' + type.timezone : ''}]`;
	case Type.List: return `list<${typeName(type.children[0].type)}>`;
	case Type.Struct: return 'struct<' + type.children.map((f) => `${f.name}: ${typeName(f.type)}`).join(', ') + '>';
	default: return type.toString();
	}
}

function bits(value) {
	const view = new DataView(new ArrayBuffer(8));
	view.setFloat64(0, value);
	return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function decimalUnits(words) {
	let units = 0n;
	for (let i = 3; i >= 0; i--) units = (units << 32n) | BigInt(words[i]);
	return BigInt.asIntN(128, units).toString();
}

// The value at an index of one chunk, from its buffers where arrow-js would round it.
function plain(data, index) {
	const type = data.type;
	if (data.nullCount > 0 && !data.getValid(index)) return null;
	switch (type.typeId) {
	case Type.Dictionary: {
		let key = Number(data.values[index]);
		for (const chunk of data.dictionary.data) {
			if (key < chunk.length) return plain(chunk, key);
			key -= chunk.length;
		}
		throw new Error('a dictionary lacks a key');
	}
	case Type.Int: case Type.Date: case Type.Time: case Type.Timestamp: return String(data.values[index]);
	case Type.Float: return bits(data.values[index]);
	case Type.Decimal: return decimalUnits(data.values.subarray(index * 4, index * 4 + 4));
	case Type.List: {
		const out = [];
		for (let i = data.valueOffsets[index]; i < data.valueOffsets[index + 1]; i++) out.push(plain(data.children[0], i));
		return out;
	}
	case Type.Struct: return Object.fromEntries(type.children.map((f, i) => [f.name, plain(data.children[i], index)]));
	default: {
		const value = arrow.makeVector(data).get(index);
		return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
	}
	}
}

const metadata = (map) => Object.fromEntries([...map].filter(([k]) => k !== 'lk.segment').sort(([a], [b]) => (a < b ? -1 : 1)));

// JSON as Python writes it with blanks after commas and colons (the schema) or without (rows).
function spaced(value) {
	if (Array.isArray(value)) return '[' + value.map(spaced).join(', ') + ']';
	if (value && typeof value === 'object') return '{' + Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}: ${spaced(v)}`).join(', ') + '}';
	return JSON.stringify(value);
}

async function show() {
	for await (const reader of arrow.RecordBatchReader.readAll(process.stdin)) {
		await reader.open({ autoDestroy: false });
		const fields = reader.schema.fields.map((f) => ({ name: f.name, type: typeName(f.type), nullable: f.nullable, metadata: metadata(f.metadata) }));
		process.stdout.write(spaced({ metadata: metadata(reader.schema.metadata), fields }) + '\n');
		for await (const batch of reader) {
			for (let row = 0; row < batch.numRows; row++)
				process.stdout.write(JSON.stringify(batch.data.children.map((column) => plain(column, row))) + '\n');
		}
	}
}

function write() {
	const n = 300, some = (f) => Array.from({ length: n }, (_, i) => (i % 7 === 6 ? null : f(i)));
	const build = (type, values) => arrow.vectorFromArray(values, type);
	const columns = {
		flag: build(new arrow.Bool(), some((i) => i % 3 === 0)),
		small: build(new arrow.Int32(), some((i) => i * -1001)),
		big: build(new arrow.Int64(), some((i) => BigInt(i) * 1234567890123n)),
		real: build(new arrow.Float64(), some((i) => (i - 150) / 8)),
		text: build(new arrow.Utf8(), some((i) => ['Zoë', '', '漢字', 'a"b'][i % 4] + i)),
		coded: build(new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), some((i) => ['red', 'grün', 'blue'][i % 3])),
		bytes: build(new arrow.Binary(), some((i) => Uint8Array.of(i % 256, 0, 255))),
		day: build(new arrow.DateDay(), some((i) => new Date(Date.UTC(1960, 0, 1 + i * 40)))),
		instant: build(new arrow.Timestamp(arrow.TimeUnit.MICROSECOND, 'UTC'), some((i) => Date.UTC(1965, 0, 1, 0, 0, i * 1000))),
		numbers: build(new arrow.List(new arrow.Field('item', new arrow.Int32(), true)), some((i) => Array.from({ length: i % 4 }, (_, j) => j * i))),
		point: build(new arrow.Struct([new arrow.Field('x', new arrow.Float64(), true), new arrow.Field('name', new arrow.Utf8(), true)]),
			some((i) => ({ x: i / 4, name: 'p' + i }))),
	};
	process.stdout.write(arrow.tableToIPC(new arrow.Table(columns), 'stream'));
}

if (process.argv[2] === 'write') write();
else show().catch((error) => { console.error(error); process.exit(1); });
