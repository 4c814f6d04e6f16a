package trimtab

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Strong types for everything that names something. MLflow-facing ids keep
// MLflow's shapes.
type (
	// Workspace is a project: the tenant that every key begins with.
	Workspace string
	// ExperimentID is a decimal number as text; "0" is the default experiment of a workspace.
	ExperimentID string
	// RunID is 32 lowercase hexadecimal digits.
	RunID string
	// LoggedModelID is "m-" and 32 lowercase hexadecimal digits.
	LoggedModelID string
	// ModelName names a registered model.
	ModelName string
	// Version numbers the versions of one registered model from 1; numbers are never used twice.
	Version int64
	// Alias points to one version of a registered model.
	Alias string
	// Digest is "sha256:" and 64 lowercase hexadecimal digits.
	Digest string
	// EntryID names a journal entry: 32 lowercase hexadecimal digits, the first 12 of them its time.
	EntryID string
	// PipelineRunID is "pr-" and 16 lowercase hexadecimal digits.
	PipelineRunID string
	// AttemptID is RUN.STEP.N: the name of an effect, derived from its intent.
	AttemptID string
	// ReplayID is "rp-" and 16 lowercase hexadecimal digits.
	ReplayID string
)

// DefaultWorkspace is used where no project is named.
const DefaultWorkspace Workspace = "default"

// DefaultExperiment is the experiment that every workspace is born with.
const DefaultExperiment ExperimentID = "0"

// Random fills p with random bytes. It is a value so that tests decide it.
type Random func(p []byte)

// CryptoRandom is the system's generator.
func CryptoRandom(p []byte) {
	if _, err := rand.Read(p); err != nil {
		panic("trimtab: the system's random generator failed: " + err.Error())
	}
}

func (r Random) hex(bytes int) string {
	p := make([]byte, bytes)
	r(p)
	return hex.EncodeToString(p)
}

// RunID makes a run id of MLflow's shape.
func (r Random) RunID() RunID { return RunID(r.hex(16)) }

// LoggedModelID makes a logged-model id of MLflow's shape.
func (r Random) LoggedModelID() LoggedModelID { return LoggedModelID("m-" + r.hex(16)) }

// PipelineRunID makes a pipeline-run id.
func (r Random) PipelineRunID() PipelineRunID { return PipelineRunID("pr-" + r.hex(8)) }

// ReplayID makes a replay id.
func (r Random) ReplayID() ReplayID { return ReplayID("rp-" + r.hex(8)) }

// Token makes a secret of 256 bits with a prefix that secret scanners know.
func (r Random) Token() string { return "ttk_" + r.hex(32) }

// RequestID makes an id for a request that brought none.
func (r Random) RequestID() string { return r.hex(16) }

// EntryID makes a journal-entry id whose first twelve digits sort by time.
func (r Random) EntryID(at Time) EntryID {
	return EntryID(fmt.Sprintf("%012x", uint64(at)&0xffffffffffff) + r.hex(10))
}

// Name makes a run name of the form adjective-animal-number.
func (r Random) Name() string {
	var p [4]byte
	r(p[:])
	return nameAdjectives[int(p[0])%len(nameAdjectives)] + "-" + nameAnimals[int(p[1])%len(nameAnimals)] + "-" +
		strconv.Itoa((int(p[2])<<8|int(p[3]))%1000)
}

var (
	nameAdjectives = strings.Fields("able agile amber brave bright calm candid clear clever crisp deft eager early even fair fleet fond frank fresh gentle glad grand hardy honest keen kind level light lively loyal mellow merry mild neat nimble noble open patient plain polite prime proud quick quiet rapid ready rustic salty serene sharp shy silent sleek smart snowy solid sound spry steady stoic swift tidy trim upbeat valiant vivid warm wise witty zesty")
	nameAnimals    = strings.Fields("auk bass bat bear bee boar bream carp cat cod colt conch coot crab crane crow cub deer dove duck eel elk ewe fawn finch flea fly foal fox frog gnat goat goose grouse grub gull hare hawk hen heron hog hound jay kite lark lynx mink mole moose moth mouse mule newt orca owl ox perch pike pony pug quail ram rat ray robin roe seal shad shark shrew skate skink slug smelt snail snipe sole sow squid stag stoat swan teal tern toad trout tuna vole wasp whale wolf worm wren yak")
)

// DigestOf returns the digest of p.
func DigestOf(p []byte) Digest {
	sum := sha256.Sum256(p)
	return DigestFrom(sum)
}

// DigestFrom spells a SHA-256 sum as a digest.
func DigestFrom(sum [sha256.Size]byte) Digest { return Digest("sha256:" + hex.EncodeToString(sum[:])) }

// Hex returns the 64 digits, "" when d is not well-formed.
func (d Digest) Hex() string {
	h, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok || len(h) != 64 {
		return ""
	}
	for i := range len(h) {
		if c := h[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	return h
}

// Short returns the first twelve digits, for people.
func (d Digest) Short() string {
	if h := d.Hex(); h != "" {
		return h[:12]
	}
	return string(d)
}

// NewAttemptID derives the name of an effect from its intent.
func NewAttemptID(run PipelineRunID, step string, n int) AttemptID {
	return AttemptID(string(run) + "." + step + "." + strconv.Itoa(n))
}

var (
	resourceName  = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$`)
	workspaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	runID         = regexp.MustCompile(`^[a-zA-Z0-9][\w\-]{0,255}$`)
)

// ValidResourceName reports what is wrong with the name of a declared resource, "" when nothing is.
func ValidResourceName(name string) string {
	if resourceName.MatchString(name) {
		return ""
	}
	return "a name has 1 to 63 lowercase letters, digits, dots or dashes, and begins and ends with a letter or digit"
}

// UsableName reports what is wrong with the name of a resource of a kind, "" when nothing is.
func UsableName(kind, name string) string {
	if kind == KindRetrainPolicy && name == LoopPause {
		return fmt.Sprintf("any other name: %q is the pause of all policies together", name)
	}
	return ValidResourceName(name)
}

// Validate reports whether the workspace name can be used.
func (w Workspace) Validate() error {
	if !workspaceName.MatchString(string(w)) {
		return Errorf(Invalid, "project "+string(w), "project %q: a name has 1 to 63 lowercase letters, digits or dashes, and begins and ends with a letter or digit", string(w))
	}
	return nil
}

// Validate reports whether the id has the shape that MLflow accepts.
func (id RunID) Validate() error {
	if !runID.MatchString(string(id)) {
		return Errorf(Invalid, "run", "Invalid run ID: '%s'", string(id))
	}
	return nil
}

// CleanText reports what makes s unusable as stored text, "" when nothing
// does: the databases hold valid UTF-8 without NUL.
func CleanText(s string) string {
	if !utf8.ValidString(s) {
		return "is not valid UTF-8"
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "contains a NUL byte"
	}
	return ""
}
