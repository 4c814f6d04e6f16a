package profile

import (
	"testing"
)

// BenchmarkBuild and BenchmarkCount are of 100,000 rows of eight columns.
func BenchmarkBuild(b *testing.B) {
	tab := made(100_000)
	for b.Loop() {
		if _, err := Build(tab, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCount(b *testing.B) {
	tab := made(100_000)
	p, err := Build(tab, Options{})
	if err != nil {
		b.Fatal(err)
	}
	k := p.NewCounts()
	b.ReportAllocs()
	for b.Loop() {
		if err := p.CountInto(k, tab); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	tab := made(100_000)
	p, err := Build(tab.Slice(0, 50_000), Options{})
	if err != nil {
		b.Fatal(err)
	}
	k, err := p.Count(tab.Slice(50_000, 100_000))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Compare(p, nil, k, CompareOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
