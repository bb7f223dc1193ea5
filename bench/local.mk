EXTRA_DIST += \
	%D%/run %D%/compare.py %D%/make_tree.py %D%/measure.py %D%/place.py \
	%D%/memory %D%/memory.py
