dist_man_MANS += %D%/tarn.1 %D%/tarn.5
