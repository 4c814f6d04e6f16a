package traffic

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/trimtab/trimtab"
)

// A log file begins with fileHead bytes: "TTLOG", the kind of the log, the
// format version as a little-endian uint16, and the moment it was made in
// milliseconds. Frames follow.
const (
	fileHead      = 16
	frameHead     = 8 // length, CRC32C
	formatVersion = 1 // of endpoint.json and of an index
	// rowsVersion is the version of logs and of sealed segments. Version 2 adds the
	// rule that quarantines a row; files of version 1 are read as well.
	rowsVersion = 2
	// maxFrame bounds a payload; a longer length is damage, not data.
	maxFrame = 64 << 20
)

// kind tells the two logs of an endpoint apart.
type kind byte

const (
	predictions kind = 'P'
	labels      kind = 'L'
)

func (k kind) String() string {
	if k == labels {
		return "labels"
	}
	return "predictions"
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendFileHead(b []byte, k kind, created trimtab.Time) []byte {
	b = append(b, "TTLOG"...)
	b = append(b, byte(k))
	b = binary.LittleEndian.AppendUint16(b, rowsVersion)
	return binary.LittleEndian.AppendUint64(b, uint64(created))
}

func checkFileHead(b []byte, k kind) error {
	if len(b) < fileHead || string(b[:5]) != "TTLOG" {
		return errors.New("is no traffic log: it does not begin with TTLOG")
	}
	if b[5] != byte(k) {
		return fmt.Errorf("is a log of kind %q, expected %q", b[5], byte(k))
	}
	return checkVersion(int(binary.LittleEndian.Uint16(b[6:])))
}

func checkVersion(v int) error {
	if v < 1 || v > rowsVersion {
		return fmt.Errorf("has format version %d, this program reads 1 to %d", v, rowsVersion)
	}
	return nil
}

// beginFrame reserves the head of a frame in b; the payload is appended next and endFrame completes it.
func beginFrame(b []byte) []byte { return append(b, 0, 0, 0, 0, 0, 0, 0, 0) }

// endFrame fills the head of the frame that begins at start.
func endFrame(b []byte, start int) {
	n := len(b) - start - frameHead
	binary.LittleEndian.PutUint32(b[start:], uint32(n))
	binary.LittleEndian.PutUint32(b[start+4:], checksum(b[start:start+4], b[start+frameHead:]))
}

// checksum covers the length as well as the payload, so that a run of zeros is no frame.
func checksum(length, payload []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, length), castagnoli, payload)
}

// damage says where a log stops being readable and why.
type damage struct {
	offset int64
	reason string
}

func (d *damage) Error() string {
	return fmt.Sprintf("the frame at byte %d is damaged: %s", d.offset, d.reason)
}

// frameReader reads frames up to a given end; bytes behind it do not exist.
type frameReader struct {
	r      *bufio.Reader
	offset int64 // of the next frame
	end    int64
	buf    []byte
}

func newFrameReader(r io.Reader, offset, end int64) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 256<<10), offset: offset, end: end}
}

// next returns the payload of the next frame, valid until the next call; io.EOF
// at the end and *damage where a frame is incomplete or its checksum is wrong.
func (f *frameReader) next() ([]byte, error) {
	left := f.end - f.offset
	if left == 0 {
		return nil, io.EOF
	}
	if left < frameHead {
		return nil, &damage{f.offset, fmt.Sprintf("%d bytes are left, a frame has at least %d", left, frameHead+1)}
	}
	var head [frameHead]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return nil, f.broken(err)
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	if n == 0 || n > maxFrame {
		return nil, &damage{f.offset, fmt.Sprintf("its length is %d, expected 1 to %d", n, maxFrame)}
	}
	if n > left-frameHead {
		return nil, &damage{f.offset, fmt.Sprintf("its length is %d, only %d bytes follow", n, left-frameHead)}
	}
	if int64(cap(f.buf)) < n {
		f.buf = make([]byte, n+n/4)
	}
	f.buf = f.buf[:n]
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return nil, f.broken(err)
	}
	if sum := checksum(head[:4], f.buf); sum != binary.LittleEndian.Uint32(head[4:]) {
		return nil, &damage{f.offset, "its checksum is wrong"}
	}
	f.offset += frameHead + n
	return f.buf, nil
}

func (f *frameReader) broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &damage{f.offset, "the file is shorter than it was"}
	}
	return err
}
