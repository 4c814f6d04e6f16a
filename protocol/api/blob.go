package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"strconv"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/protocol/route"
)

// BlobIn names an object.
type BlobIn struct {
	ProjectIn
	Digest string `path:"digest" doc:"sha256: and 64 lowercase hexadecimal digits."`
}

func (in *BlobIn) digest() (trimtab.Digest, error) {
	d := trimtab.Digest(in.Digest)
	if d.Hex() == "" {
		return "", trimtab.Errorf(trimtab.Invalid, "digest", "%q is no digest: expected sha256: and 64 lowercase hexadecimal digits", in.Digest)
	}
	return d, nil
}

func (t *table) blobs() {
	stream(t, operation{id: "statBlob", method: "HEAD", path: "/blobs/{digest}", summary: "Ask whether an object is stored", auth: route.Reader, content: "application/octet-stream"},
		func(ctx context.Context, in *BlobIn, w http.ResponseWriter, _ *http.Request) error {
			d, err := in.digest()
			if err != nil {
				return err
			}
			if t.cfg.Blobs == nil {
				return absent("blob store")
			}
			info, err := t.cfg.Blobs.Stat(ctx, d)
			if err != nil {
				return err
			}
			w.Header().Set("Content-Length", strconv.FormatInt(info.Size, 10))
			w.Header().Set("Etag", `"`+string(d)+`"`)
			w.WriteHeader(http.StatusOK)
			return nil
		})
	stream(t, operation{id: "putBlob", method: "PUT", path: "/blobs/{digest}", summary: "Store an object under its digest", auth: route.Writer, maxBody: maxBlob,
		content: "application/json", body: "application/octet-stream"},
		func(ctx context.Context, in *BlobIn, w http.ResponseWriter, r *http.Request) error {
			d, err := in.digest()
			if err != nil {
				return err
			}
			if t.cfg.Blobs == nil {
				return absent("blob store")
			}
			_, size, err := t.cfg.Blobs.Put(ctx, &verifier{r: r.Body, sum: sha256.New(), want: d})
			if err != nil {
				return err
			}
			w.Header().Set("Content-Type", "application/json")
			return json.NewEncoder(w).Encode(struct {
				Digest trimtab.Digest `json:"digest"`
				Size   int64          `json:"size"`
			}{d, size})
		})
}

// verifier fails the read at the end of bytes that have another digest, so that
// the store keeps nothing of them.
type verifier struct {
	r    io.Reader
	sum  hash.Hash
	want trimtab.Digest
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF {
		if got := trimtab.DigestFrom([sha256.Size]byte(v.sum.Sum(nil))); got != v.want {
			return n, trimtab.Errorf(trimtab.Invalid, "blob "+string(v.want), "the bytes have the digest %s, announced was %s: they were changed or cut on the way", got, v.want)
		}
	}
	return n, err
}
