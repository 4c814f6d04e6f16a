package table

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// golden is what generate.py writes beside a Parquet file.
type golden struct {
	Fields [][2]string
	Rows   [][]*string
}

func (g golden) table(t *testing.T) *Table {
	t.Helper()
	tab := &Table{}
	for k, f := range g.Fields {
		typ, err := ParseType(f[1])
		if err != nil {
			t.Fatal(err)
		}
		c := NewColumn(f[0], typ, len(g.Rows))
		for _, row := range g.Rows {
			if row[k] == nil {
				c.AppendNull()
				continue
			}
			s := *row[k]
			switch typ {
			case Bool:
				c.AppendBool(s == "true")
			case Int32:
				v, err := strconv.ParseInt(s, 10, 32)
				check(t, err)
				c.AppendInt32(int32(v))
			case Int64, Datetime:
				v, err := strconv.ParseInt(s, 10, 64)
				check(t, err)
				c.AppendInt64(v)
			case Float32:
				v, err := strconv.ParseFloat(s, 32)
				check(t, err)
				c.AppendFloat32(float32(v))
			case Float64:
				v, err := strconv.ParseFloat(s, 64)
				check(t, err)
				c.AppendFloat64(v)
			case String:
				c.AppendString(s)
			case Bytes:
				v, err := hex.DecodeString(s)
				check(t, err)
				c.AppendBytes(v)
			}
		}
		tab.Columns = append(tab.Columns, c)
	}
	return tab
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string, opt ParquetOptions) (*Table, error) {
	t.Helper()
	b, err := os.ReadFile(path)
	check(t, err)
	return ReadParquet(bytes.NewReader(b), int64(len(b)), opt)
}

func readGolden(t *testing.T, b []byte) *Table {
	t.Helper()
	var g golden
	check(t, json.Unmarshal(b, &g))
	return g.table(t)
}

func testGoldens(t *testing.T, folder string) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	check(t, err)
	if len(files) < 9 {
		t.Fatalf("%d goldens in %s, want 9", len(files), folder)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(file)
			check(t, err)
			want := readGolden(t, b)
			for _, opt := range []ParquetOptions{{}, {BatchRows: 3}} {
				got, err := readFile(t, filepath.Join(folder, name+".parquet"), opt)
				check(t, err)
				same(t, got, want)
			}
		})
	}
}

// The committed files were written by internal/testkit/golden/table/generate.py with pandas 3.1.1 and pyarrow 26.0.1.
func TestParquetGoldens(t *testing.T) { testGoldens(t, "testdata") }

func TestParquetRefused(t *testing.T) {
	for name, want := range map[string]string{
		"refuse_list":    `parquet: column "bad": a column of nested values is not supported`,
		"refuse_struct":  `parquet: column "bad": a column of nested values is not supported`,
		"refuse_decimal": `parquet: column "bad": a column of decimals (cast it to double or string) is not supported`,
		"refuse_time":    `parquet: column "bad": a column of times of day is not supported`,
		"range_uint64":   `parquet: row 1: column "bad": value "18446744073709551615": expected at most`,
		"range_time":     `parquet: row 1: column "bad": value "9246182400000000": expected a time between`,
	} {
		path := filepath.Join("testdata", name+".parquet")
		if _, err := readFile(t, path, ParquetOptions{}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v\nwant %s", name, err, want)
		}
		got, err := readFile(t, path, ParquetOptions{Columns: []string{"good"}})
		if err != nil || text(got) != "good:int64\n1\n2" {
			t.Errorf("%s without the bad column: %v", name, err)
		}
	}
}

func TestParquetOptions(t *testing.T) {
	path := filepath.Join("testdata", "pandas_groups.parquet")
	all, err := readFile(t, path, ParquetOptions{})
	check(t, err)
	some, err := readFile(t, path, ParquetOptions{Columns: []string{"late", "carrier"}})
	check(t, err)
	want, err := all.Select("late", "carrier")
	check(t, err)
	same(t, some, want)
	for _, test := range []struct {
		opt  ParquetOptions
		want string
	}{
		{ParquetOptions{Columns: []string{"z"}}, `column "z": no such column`},
		{ParquetOptions{Columns: []string{"late", "late"}}, `column "late": asked for twice`},
		{ParquetOptions{MaxRows: 10}, `1200 rows: expected at most 10`},
		{ParquetOptions{MaxColumns: 2}, `9 columns: expected at most 2`},
		{ParquetOptions{MaxFieldBytes: 1}, `a text of 2 bytes: expected at most 1`},
	} {
		if _, err := readFile(t, path, test.opt); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	b, err := os.ReadFile(path)
	check(t, err)
	f, err := OpenParquet(bytes.NewReader(b), int64(len(b)), ParquetOptions{BatchRows: 300})
	check(t, err)
	var sizes []string
	for tab, err := range f.Batches() {
		check(t, err)
		sizes = append(sizes, strconv.Itoa(tab.Rows()))
	}
	if got := strings.Join(sizes, " "); got != "300 200 300 200 200" || f.Rows() != 1200 {
		t.Errorf("batches of %s rows of %d", got, f.Rows())
	}
	for range f.Batches() {
		break
	}
}

func TestParquetRoundTrip(t *testing.T) {
	tab := everything()
	for _, opt := range []ParquetOptions{{}, {Compression: "zstd", GroupRows: 5}, {Compression: "none", GroupRows: 1}} {
		var b bytes.Buffer
		check(t, WriteParquet(&b, tab, opt))
		got, err := ReadParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), ParquetOptions{})
		check(t, err)
		same(t, got, tab)
	}
	var b bytes.Buffer
	check(t, WriteParquet(&b, tab.Slice(0, 0), ParquetOptions{}))
	got, err := ReadParquet(bytes.NewReader(b.Bytes()), int64(b.Len()), ParquetOptions{})
	check(t, err)
	same(t, got, tab.Slice(0, 0))
	for _, bad := range []struct {
		fields []Field
		opt    ParquetOptions
	}{{nil, ParquetOptions{}}, {[]Field{{"a", Bool}, {"a", Bool}}, ParquetOptions{}}, {[]Field{{"a", 0}}, ParquetOptions{}}, {[]Field{{"a", Bool}}, ParquetOptions{Compression: "rar"}}} {
		if _, err := NewParquetWriter(&b, bad.fields, bad.opt); err == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

// Damaged files must be errors or other values, never panics.
func TestParquetDamaged(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "arrow_none.parquet"))
	check(t, err)
	for cut := 0; cut < len(b); cut += 97 {
		if _, err := ReadParquet(bytes.NewReader(b[:cut]), int64(cut), ParquetOptions{}); err == nil {
			t.Errorf("the first %d bytes of %d were read as a file", cut, len(b))
		}
	}
	for at, want := range map[int]string{len(b) - 1: "does not end with PAR1", len(b) - 5: "damaged file: a footer of"} {
		d := bytes.Clone(b)
		d[at] ^= 0x80
		if _, err := ReadParquet(bytes.NewReader(d), int64(len(d)), ParquetOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("byte %d changed: %v, want %s", at, err, want)
		}
	}
	for at := 4; at < len(b); at += 13 {
		d := bytes.Clone(b)
		d[at] ^= 0x55
		tab, err := ReadParquet(bytes.NewReader(d), int64(len(d)), ParquetOptions{})
		if err == nil && tab.Check() != nil {
			t.Errorf("byte %d changed: %v", at, tab.Check())
		}
	}
}

// python returns an interpreter with pandas and pyarrow. Where TRIMTAB_REQUIRE names python it must be there.
func python(t *testing.T) string {
	t.Helper()
	p := os.Getenv("TRIMTAB_PYTHON")
	if p == "" {
		if strings.Contains(os.Getenv("TRIMTAB_REQUIRE"), "python") {
			t.Fatal("TRIMTAB_PYTHON names no interpreter with pandas and pyarrow")
		}
		t.Skip("TRIMTAB_PYTHON names no interpreter with pandas and pyarrow")
	}
	return p
}

func generate(t *testing.T, args ...string) []byte {
	t.Helper()
	script := filepath.Join("..", "..", "internal", "testkit", "golden", "table", "generate.py")
	cmd := exec.Command(python(t), append([]string{script}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	check(t, err)
	return out
}

func TestParquetWrittenByPython(t *testing.T) {
	folder := t.TempDir()
	generate(t, "write", folder)
	testGoldens(t, folder)
}

func TestParquetReadByPython(t *testing.T) {
	tab := everything()
	for _, opt := range []ParquetOptions{{}, {Compression: "zstd", GroupRows: 5}} {
		var b bytes.Buffer
		check(t, WriteParquet(&b, tab, opt))
		path := filepath.Join(t.TempDir(), "a.parquet")
		check(t, os.WriteFile(path, b.Bytes(), 0o600))
		same(t, readGolden(t, generate(t, "dump", path)), tab)
	}
}

// What is inferred from a CSV text is what pandas infers, apart from the stated differences.
func TestCSVReadByPython(t *testing.T) {
	const in = "i,f,b,s,q\n1,0.1,true,x,\"a,\"\"b\"\"\"\n-2,1e-300,False,,\"1\n2\"\n3,123456789.123456789,TRUE,\"y\",z\n"
	path := filepath.Join(t.TempDir(), "a.csv")
	check(t, os.WriteFile(path, []byte(in), 0o600))
	got, err := ReadCSV(strings.NewReader(in), CSVOptions{})
	check(t, err)
	want := readGolden(t, generate(t, "csv", path))
	same(t, got, want)
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float64{0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 5.960464477539063e-08, 0x03ff: 6.097555160522461e-05, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1)} {
		if got := half(bits); float64(got) != want {
			t.Errorf("%04x: %v, want %v", bits, got, want)
		}
	}
	if v := half(0x8000); v != 0 || !math.Signbit(float64(v)) {
		t.Error("minus zero")
	}
	if v := half(0x7e00); v == v {
		t.Error("not a number")
	}
}

// FuzzParquet: no file panics.
func FuzzParquet(f *testing.F) {
	for _, name := range []string{"arrow_page2", "int96", "empty"} {
		b, err := os.ReadFile(filepath.Join("testdata", name+".parquet"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(base64.StdEncoding.EncodeToString(b))
	}
	f.Fuzz(func(t *testing.T, in string) {
		b, err := base64.StdEncoding.DecodeString(in)
		if err != nil {
			return
		}
		tab, err := ReadParquet(bytes.NewReader(b), int64(len(b)), ParquetOptions{MaxRows: 10_000})
		if err == nil && tab.Check() != nil {
			t.Error(tab.Check())
		}
	})
}

func BenchmarkReadParquet(b *testing.B) {
	data, err := os.ReadFile(filepath.Join("testdata", "pandas_groups.parquet"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadParquet(bytes.NewReader(data), int64(len(data)), ParquetOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
