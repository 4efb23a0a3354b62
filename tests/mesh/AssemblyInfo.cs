// The tests measure time and kill programs: one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
