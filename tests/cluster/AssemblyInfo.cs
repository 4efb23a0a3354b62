// One cluster, and one namespace in it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
