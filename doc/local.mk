dist_man_MANS += %D%/tarn.1
